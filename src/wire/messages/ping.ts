import { defineMessage, type MessageOf } from '../definition.ts';
import { u32 } from '../fields.ts';

/**
 * Asks for a pong: only an answer proves that the peer's program still runs.
 *
 * ```cddl
 * ping = {
 *   0: 4,
 *   1: u32,  ; n
 * }
 * ```
 */
export const ping = defineMessage(4, 'ping', {
  n: u32,
});

export type Ping = MessageOf<typeof ping>;
