import { defineMessage, type MessageOf } from '../definition.ts';
import { epoch, u32, u53 } from '../fields.ts';

/**
 * The consumer takes tuples above its watermark.
 *
 * ```cddl
 * channel-ready = {
 *   0: 21,
 *   1: u32,    ; channel
 *   2: epoch,  ; toEpoch
 *   3: u53,    ; watermark; highest tuple durably consumed, 0 none
 *   4: u53,    ; credit; bytes of blocks that may be under way
 * }
 * ```
 */
export const channelReady = defineMessage(21, 'channel-ready', {
  channel: u32,
  toEpoch: epoch,
  watermark: u53,
  credit: u53,
});

export type ChannelReady = MessageOf<typeof channelReady>;
