import { defineMessage, type MessageOf } from '../definition.ts';
import { u32 } from '../fields.ts';

/**
 * The end is durable at the consumer.
 *
 * ```cddl
 * end-ack = {
 *   0: 26,
 *   1: u32,  ; channel
 * }
 * ```
 */
export const endAck = defineMessage(26, 'end-ack', {
  channel: u32,
});

export type EndAck = MessageOf<typeof endAck>;
