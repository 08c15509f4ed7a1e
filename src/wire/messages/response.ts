import { defineMessage, type MessageOf } from '../definition.ts';
import { anything, u53 } from '../fields.ts';

/**
 * The answer to a request, or the end of its stream.
 *
 * ```cddl
 * response = {
 *   0: 9,
 *   1: u53,    ; id
 *   2: plain,  ; result
 * }
 * ```
 */
export const response = defineMessage(9, 'response', {
  id: u53,
  result: anything,
});

export type Response = MessageOf<typeof response>;
