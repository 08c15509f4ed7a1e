import { type BodyOf, defineBody } from './definition.ts';
import { u32 } from './fields.ts';

/**
 * "This is the hash of those I hold for alive": asks for the receiver's table when that has another.
 * It is also how a node joins. Always answered with a state.
 *
 * ```cddl
 * sync = [6, hash: u32]
 * ```
 */
export const sync = defineBody(6, 'sync', { hash: u32 });

export type Sync = BodyOf<typeof sync>;
