import { defineMessage, type MessageOf } from '../definition.ts';
import { wireFault } from '../fields.ts';

/**
 * The last message of a side; null says that nothing is wrong.
 *
 * ```cddl
 * goodbye = {
 *   0: 3,
 *   1: fault / null,  ; fault
 * }
 * ```
 */
export const goodbye = defineMessage(3, 'goodbye', {
  fault: wireFault.nullable(),
});

export type Goodbye = MessageOf<typeof goodbye>;
