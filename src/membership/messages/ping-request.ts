import { z } from 'zod';
import { type BodyOf, defineBody } from './definition.ts';
import { address, key, u32 } from './fields.ts';

/**
 * Asks the receiver to ping `target` at `address` and to hand on its ack under `seq`; with `nack`,
 * to say so in time when there is none.
 *
 * ```cddl
 * ping-request = [2, seq: u32, address, target: key, nack: bool]
 * ```
 */
export const pingRequest = defineBody(2, 'ping-request', {
  seq: u32,
  address,
  target: key,
  nack: z.boolean(),
});

export type PingRequest = BodyOf<typeof pingRequest>;
