import { type BodyOf, defineBody } from './definition.ts';
import { key, u32 } from './fields.ts';

/**
 * Asks the node `target` for an ack. A node that was started again at the same address does not
 * answer for its predecessor.
 *
 * ```cddl
 * ping = [1, seq: u32, target: key]
 * ```
 */
export const ping = defineBody(1, 'ping', { seq: u32, target: key });

export type Ping = BodyOf<typeof ping>;
