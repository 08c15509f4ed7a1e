/**
 * The types of fields in membership packets.
 *
 * ```cddl
 * u32 = 0..4294967295
 * key = 0..281474976710655             ; the first 48 bits of a boot id
 * boot = bstr .size 16                 ; random at each start of a node
 * incarnation = 0..281474976710656
 * address = tstr .size (1..100)        ; "host:port" or "[v6]:port"
 * status = 0 / 1 / 2 / 3               ; alive, suspect, dead, left
 * claim = [address, boot, incarnation, status, by: key]
 * load = [key, version: u32, [* u32]]
 * ```
 */
import { z } from 'zod';
import type { Claim } from '../claim.ts';
import { statuses } from '../claim.ts';
import { ADDRESS_BYTES_MAX, CLAIMS_MAX, INCARNATION_MAX, LOADS_MAX } from '../limits.ts';
import type { LoadClaim } from '../load.ts';

const FIGURES_MAX = 16;
const KEY_MAX = 2 ** 48 - 1;
export const BOOT_BYTES = 16;

export const u32 = z.int().min(0).max(0xffff_ffff);
export const key = z.int().min(0).max(KEY_MAX);
export const incarnation = z.int().min(0).max(INCARNATION_MAX);
export const address = z
  .string()
  .min(3)
  .max(ADDRESS_BYTES_MAX)
  .regex(/^(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$/, 'expected host:port');
export const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected bytes');
export const boot = bytes
  .refine((value) => value.length === BOOT_BYTES, 'expected 16 bytes')
  .transform((value) => Buffer.from(value).toString('hex'));

const claim = z.tuple([address, boot, incarnation, z.int().min(0).max(3), key]).transform(
  ([address, boot, incarnation, status, by]): Claim => ({
    address,
    boot,
    incarnation,
    status: statuses[status],
    by,
  }),
);
const load = z
  .tuple([key, u32, z.array(u32).max(FIGURES_MAX)])
  .transform(([key, version, figures]): LoadClaim => ({ key, version, figures }));

export const claims = z.array(claim).max(CLAIMS_MAX);
export const loads = z.array(load).max(LOADS_MAX);
