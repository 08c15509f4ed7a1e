import { z } from 'zod';
import { defineMessage, type MessageOf } from '../definition.ts';
import { name, u53 } from '../fields.ts';

/**
 * Where a proposed command was appended, or that it was refused.
 *
 * ```cddl
 * log-propose-reply = {
 *   0: 60,
 *   1: name,        ; from
 *   2: name,        ; to
 *   3: u53,         ; term
 *   4: u53,         ; id
 *   5: u53 / null,  ; index; decided when the entry here is of `entryTerm`; null: refused
 *   6: u53,         ; entryTerm
 *   7: "no-leader" / "busy" / "too-large" / null,  ; why
 * }
 * ```
 */
export const logProposeReply = defineMessage(60, 'log-propose-reply', {
  from: name,
  to: name,
  term: u53,
  id: u53,
  index: u53.nullable(),
  entryTerm: u53,
  why: z.enum(['no-leader', 'busy', 'too-large']).nullable(),
});

export type LogProposeReply = MessageOf<typeof logProposeReply>;
