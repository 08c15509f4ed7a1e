import { defineBulkMessage, type MessageOf } from '../definition.ts';
import { anything, name, u32, u53 } from '../fields.ts';

/**
 * As `request`, with bytes beside the params that the method gets as they are.
 *
 * ```cddl
 * request-data = {
 *   0: 14,
 *   1: u53,    ; id
 *   2: name,   ; method
 *   3: plain,  ; params
 *   4: u32,    ; credit; as in `request`
 *   5: bstr,   ; data; of the method
 * }
 * ```
 */
export const requestData = defineBulkMessage(14, 'request-data', {
  id: u53,
  method: name,
  params: anything,
  credit: u32,
});

export type RequestData = MessageOf<typeof requestData>;
