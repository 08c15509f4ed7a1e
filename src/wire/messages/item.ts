import { defineMessage, type MessageOf } from '../definition.ts';
import { anything, u53 } from '../fields.ts';

/**
 * One answer of a stream.
 *
 * ```cddl
 * item = {
 *   0: 11,
 *   1: u53,    ; id
 *   2: plain,  ; value
 * }
 * ```
 */
export const item = defineMessage(11, 'item', {
  id: u53,
  value: anything,
});

export type Item = MessageOf<typeof item>;
