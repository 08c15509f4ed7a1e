import { defineMessage, type MessageOf } from '../definition.ts';
import { u53 } from '../fields.ts';

/**
 * The asker does not want the answer any more. Nothing answers a cancel.
 *
 * ```cddl
 * cancel = {
 *   0: 12,
 *   1: u53,  ; id
 * }
 * ```
 */
export const cancel = defineMessage(12, 'cancel', {
  id: u53,
});

export type Cancel = MessageOf<typeof cancel>;
