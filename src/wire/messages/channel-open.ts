import { defineMessage, type MessageOf } from '../definition.ts';
import { epoch, name, u16, u32 } from '../fields.ts';

/**
 * A producer attempt wants to send tuples to a consumer task.
 *
 * ```cddl
 * channel-open = {
 *   0: 20,
 *   1: u32,    ; channel; chosen by the opener, for this connection
 *   2: name,   ; job
 *   3: u16,    ; fromStage
 *   4: u16,    ; fromIndex
 *   5: epoch,  ; fromEpoch
 *   6: u16,    ; toStage
 *   7: u16,    ; toIndex
 * }
 * ```
 */
export const channelOpen = defineMessage(20, 'channel-open', {
  channel: u32,
  job: name,
  fromStage: u16,
  fromIndex: u16,
  fromEpoch: epoch,
  toStage: u16,
  toIndex: u16,
});

export type ChannelOpen = MessageOf<typeof channelOpen>;
