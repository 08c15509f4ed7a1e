import { z } from 'zod';
import { defineMessage, type MessageOf } from '../definition.ts';
import { name, u53 } from '../fields.ts';

/**
 * How far a voter's durable log agrees with its leader's, or that it does not fit.
 *
 * ```cddl
 * log-append-reply = {
 *   0: 53,
 *   1: name,  ; from
 *   2: name,  ; to
 *   3: u53,   ; term
 *   4: bool,  ; ok
 *   5: u53,   ; index; ok: durable and equal up to it; else the prevIndex that did not fit
 *   6: u53,   ; hintIndex; not ok: no entry above it can fit ...
 *   7: u53,   ; hintTerm; ... and none of a higher term
 *   8: u53,   ; round
 * }
 * ```
 */
export const logAppendReply = defineMessage(53, 'log-append-reply', {
  from: name,
  to: name,
  term: u53,
  ok: z.boolean(),
  index: u53,
  hintIndex: u53,
  hintTerm: u53,
  round: u53,
});

export type LogAppendReply = MessageOf<typeof logAppendReply>;
