import { defineMessage, type MessageOf } from '../definition.ts';
import { name, u53 } from '../fields.ts';

/**
 * Asks the leader how far a state must be to be read now.
 *
 * ```cddl
 * read-index = {
 *   0: 57,
 *   1: name,  ; from
 *   2: name,  ; to
 *   3: u53,   ; term
 *   4: u53,   ; id; chosen by the asker, never used twice
 * }
 * ```
 */
export const readIndex = defineMessage(57, 'read-index', {
  from: name,
  to: name,
  term: u53,
  id: u53,
});

export type ReadIndex = MessageOf<typeof readIndex>;
