import { z } from 'zod';
import { defineMessage, type MessageOf } from '../definition.ts';
import { epoch, u32 } from '../fields.ts';

/**
 * The consumer does not take tuples of this attempt, or not here, or not now.
 *
 * ```cddl
 * channel-refused = {
 *   0: 22,
 *   1: u32,                                               ; channel
 *   2: "unknown-task" / "fenced" / "busy" / "finished",  ; reason
 *   3: epoch,                                             ; newest; the newest producer attempt heard of
 * }
 * ```
 */
export const channelRefused = defineMessage(22, 'channel-refused', {
  channel: u32,
  reason: z.enum(['unknown-task', 'fenced', 'busy', 'finished']),
  newest: epoch,
});

export type ChannelRefused = MessageOf<typeof channelRefused>;
