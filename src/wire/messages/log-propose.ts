import { defineMessage, type MessageOf } from '../definition.ts';
import { bytes, name, u53 } from '../fields.ts';

/**
 * Asks the leader to append a command to the control log.
 *
 * ```cddl
 * log-propose = {
 *   0: 59,
 *   1: name,  ; from
 *   2: name,  ; to
 *   3: u53,   ; term
 *   4: u53,   ; id; chosen by the asker, never used twice
 *   5: bstr,  ; data
 * }
 * ```
 */
export const logPropose = defineMessage(59, 'log-propose', {
  from: name,
  to: name,
  term: u53,
  id: u53,
  data: bytes,
});

export type LogPropose = MessageOf<typeof logPropose>;
