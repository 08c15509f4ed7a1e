import { defineMessage, type MessageOf } from '../definition.ts';
import { epoch, u32 } from '../fields.ts';

/**
 * A newer attempt of the producer has been heard: stop at once.
 *
 * ```cddl
 * fenced = {
 *   0: 27,
 *   1: u32,    ; channel
 *   2: epoch,  ; newest
 * }
 * ```
 */
export const fenced = defineMessage(27, 'fenced', {
  channel: u32,
  newest: epoch,
});

export type Fenced = MessageOf<typeof fenced>;
