import { defineMessage, type MessageOf } from '../definition.ts';
import { name, u53 } from '../fields.ts';

/**
 * Asks for the next piece of a snapshot.
 *
 * ```cddl
 * log-snapshot-ack = {
 *   0: 55,
 *   1: name,  ; from
 *   2: name,  ; to
 *   3: u53,   ; term
 *   4: u53,   ; index; of the snapshot
 *   5: u53,   ; offset; of the piece that is wanted
 * }
 * ```
 */
export const logSnapshotAck = defineMessage(55, 'log-snapshot-ack', {
  from: name,
  to: name,
  term: u53,
  index: u53,
  offset: u53,
});

export type LogSnapshotAck = MessageOf<typeof logSnapshotAck>;
