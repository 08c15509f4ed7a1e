import { defineMessage, type MessageOf } from '../definition.ts';
import { name, u53 } from '../fields.ts';

/**
 * The answer to a `read-index`.
 *
 * ```cddl
 * read-index-reply = {
 *   0: 58,
 *   1: name,        ; from
 *   2: name,        ; to
 *   3: u53,         ; term
 *   4: u53,         ; id
 *   5: u53 / null,  ; index; a state with this entry is new enough; null: ask again
 * }
 * ```
 */
export const readIndexReply = defineMessage(58, 'read-index-reply', {
  from: name,
  to: name,
  term: u53,
  id: u53,
  index: u53.nullable(),
});

export type ReadIndexReply = MessageOf<typeof readIndexReply>;
