import { z } from 'zod';
import { defineMessage, type MessageOf } from '../definition.ts';
import { name, u53 } from '../fields.ts';

/**
 * The answer to a `vote-request`.
 *
 * ```cddl
 * vote = {
 *   0: 51,
 *   1: name,  ; from
 *   2: name,  ; to
 *   3: u53,   ; term; the voter's, or the asked one when `pre` was granted
 *   4: bool,  ; pre
 *   5: bool,  ; granted
 * }
 * ```
 */
export const vote = defineMessage(51, 'vote', {
  from: name,
  to: name,
  term: u53,
  pre: z.boolean(),
  granted: z.boolean(),
});

export type Vote = MessageOf<typeof vote>;
