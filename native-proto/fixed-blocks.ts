import type { Block } from '../src/plan/index.ts';

/** (`a.csv:0`, `Straße`) and (`a.csv:1`, ``). */
export const plainBlock: Block = {
  count: 2,
  idHi: Uint32Array.of(0, 0),
  idLo: Uint32Array.of(0, 1),
  fan: null,
  keyEnds: Uint32Array.of(7, 14),
  valueEnds: Uint32Array.of(7, 7),
  keys: Buffer.from('a.csv:0a.csv:1'),
  values: Buffer.from('Straße'),
};

/** Outputs of a fan-out, from a second source and from far down in it; a key is empty. */
export const fannedBlock: Block = {
  count: 2,
  idHi: Uint32Array.of(0x0001_0000, 0x0001_0002),
  idLo: Uint32Array.of(7, 0xffff_ffff),
  fan: { ends: Uint32Array.of(3, 3), bytes: Uint8Array.of(0, 0x80, 1) },
  keyEnds: Uint32Array.of(1, 1),
  valueEnds: Uint32Array.of(0, 2),
  keys: Buffer.from('k'),
  values: Uint8Array.of(0xff, 0x00),
};
