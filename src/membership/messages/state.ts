import { z } from 'zod';
import { type BodyOf, defineBody } from './definition.ts';

/**
 * A part of the sender's table: the claims are the news of the packet. With `pull` the sender wants
 * the receiver's table in return.
 *
 * ```cddl
 * state = [7, pull: bool]
 * ```
 */
export const state = defineBody(7, 'state', { pull: z.boolean() });

export type State = BodyOf<typeof state>;
