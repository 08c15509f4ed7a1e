import { defineMessage, type MessageOf } from '../definition.ts';
import { u32, u53 } from '../fields.ts';

/**
 * The asker has taken items of a stream: so many more may be sent.
 *
 * ```cddl
 * credit = {
 *   0: 13,
 *   1: u53,  ; id
 *   2: u32,  ; n
 * }
 * ```
 */
export const credit = defineMessage(13, 'credit', {
  id: u53,
  n: u32,
});

export type Credit = MessageOf<typeof credit>;
