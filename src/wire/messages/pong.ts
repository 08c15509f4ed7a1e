import { defineMessage, type MessageOf } from '../definition.ts';
import { u32 } from '../fields.ts';

/**
 * The answer to a ping.
 *
 * ```cddl
 * pong = {
 *   0: 5,
 *   1: u32,  ; n; that of the ping
 * }
 * ```
 */
export const pong = defineMessage(5, 'pong', {
  n: u32,
});

export type Pong = MessageOf<typeof pong>;
