import { z } from 'zod';

/** Whole numbers that a JS number holds exactly. */
const uint = z.int().nonnegative();
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

/** The CBOR header of a record; its CDDL is above `record.ts`. */
export const recordHeader = z.object({
  v: z.literal(1),
  kind: z.enum(['batch', 'checkpoint', 'end', 'source']),
  inputs: z.array(z.tuple([z.union([z.string(), uint]), uint])),
  outputs: z.array(z.tuple([uint, uint, uint, uint])),
  keep: z.array(z.tuple([uint, uint, z.array(uint)])),
  dead: z.array(
    z.object({ id: z.string(), key: bytes, value: bytes, reason: z.string(), trace: z.string() }),
  ),
  state: z.unknown().optional(),
  crc: uint,
});

export type RecordHeader = z.infer<typeof recordHeader>;
