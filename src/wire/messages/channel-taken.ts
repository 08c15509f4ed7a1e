import { defineMessage, type MessageOf } from '../definition.ts';
import { epoch, u32, u53 } from '../fields.ts';

/**
 * The consumer has taken in more than is durable there, from an attempt of the producer or another;
 * sent before `channel-ready`, and only then.
 *
 * ```cddl
 * channel-taken = {
 *   0: 28,
 *   1: u32,    ; channel
 *   2: epoch,  ; toEpoch
 *   3: u53,    ; seq; highest tuple taken in, durable or not
 * }
 * ```
 */
export const channelTaken = defineMessage(28, 'channel-taken', {
  channel: u32,
  toEpoch: epoch,
  seq: u53,
});

export type ChannelTaken = MessageOf<typeof channelTaken>;
