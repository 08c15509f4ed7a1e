import { defineBulkMessage, type MessageOf } from '../definition.ts';
import { anything, u53 } from '../fields.ts';

/**
 * As `response`, with bytes beside the result.
 *
 * ```cddl
 * response-data = {
 *   0: 15,
 *   1: u53,    ; id
 *   2: plain,  ; result
 *   3: bstr,   ; data
 * }
 * ```
 */
export const responseData = defineBulkMessage(15, 'response-data', {
  id: u53,
  result: anything,
});

export type ResponseData = MessageOf<typeof responseData>;
