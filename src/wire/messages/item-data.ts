import { defineBulkMessage, type MessageOf } from '../definition.ts';
import { anything, u53 } from '../fields.ts';

/**
 * As `item`, with bytes beside the value.
 *
 * ```cddl
 * item-data = {
 *   0: 16,
 *   1: u53,    ; id
 *   2: plain,  ; value
 *   3: bstr,   ; data
 * }
 * ```
 */
export const itemData = defineBulkMessage(16, 'item-data', {
  id: u53,
  value: anything,
});

export type ItemData = MessageOf<typeof itemData>;
