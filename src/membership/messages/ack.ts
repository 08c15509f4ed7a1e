import { type BodyOf, defineBody } from './definition.ts';
import { u32 } from './fields.ts';

/**
 * The answer to a ping, from its target or through the member that was asked to ping it.
 *
 * ```cddl
 * ack = [3, seq: u32]
 * ```
 */
export const ack = defineBody(3, 'ack', { seq: u32 });

export type Ack = BodyOf<typeof ack>;
