import { z } from 'zod';
import { defineMessage, type MessageOf } from '../definition.ts';
import { address, bytes, name, u53 } from '../fields.ts';

/**
 * A piece of the leader's snapshot, for a voter whose next entry the leader has no more.
 *
 * ```cddl
 * log-snapshot = {
 *   0: 54,
 *   1: name,   ; from
 *   2: name,   ; to
 *   3: u53,    ; term
 *   4: u53,    ; index; of the last entry that the snapshot holds
 *   5: u53,    ; lastTerm; of that entry
 *   6: [* [id: name, address, votes: bool]],  ; members; as of that entry
 *   7: u53,    ; offset; of this piece
 *   8: u53,    ; size; of the whole snapshot
 *   9: bstr,   ; data
 * }
 * ```
 */
export const logSnapshot = defineMessage(54, 'log-snapshot', {
  from: name,
  to: name,
  term: u53,
  index: u53,
  lastTerm: u53,
  members: z.array(z.tuple([name, address, z.boolean()])),
  offset: u53,
  size: u53,
  data: bytes,
});

export type LogSnapshot = MessageOf<typeof logSnapshot>;
