import { type BodyOf, defineBody } from './definition.ts';
import { u32 } from './fields.ts';

/**
 * "I was asked to ping it and it has not answered me either": the path between us works.
 *
 * ```cddl
 * nack = [4, seq: u32]
 * ```
 */
export const nack = defineBody(4, 'nack', { seq: u32 });

export type Nack = BodyOf<typeof nack>;
