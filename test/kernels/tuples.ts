/** Tuples as plain objects, and blocks made from and read into them the slow and obvious way. */
import fc from 'fast-check';
import {
  type Block,
  fanPath,
  idHiOf,
  lineOf,
  sourceOf,
  writeFanStep,
} from '../../src/plan/index.ts';

export interface Tuple {
  readonly source: number;
  readonly line: number;
  readonly path: readonly number[];
  readonly key: Buffer;
  readonly value: Buffer;
}

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));

/** Bytes as an operator can be given them: any but LF. */
export const lineBytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  bytes(maxLength).map((buffer) => Buffer.from(buffer.filter((byte) => byte !== 10)));

const step = fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));

export const tuple = (content = bytes(40)): fc.Arbitrary<Tuple> =>
  fc.record({
    source: fc.nat({ max: 65_535 }),
    line: fc.oneof(
      fc.nat({ max: 1000 }),
      fc.maxSafeNat().map((n) => n % 2 ** 48),
    ),
    path: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(step, { maxLength: 3 })),
    key: content,
    value: content,
  });

export const tuples = (content?: fc.Arbitrary<Buffer>): fc.Arbitrary<Tuple[]> =>
  fc.array(tuple(content), { maxLength: 40 });

/** The block of `list`. */
export function blockOf(list: readonly Tuple[]): Block {
  const paths = list.map(({ path }) => Buffer.concat(path.map(stepBytes)));
  const hasFan = paths.some((path) => path.length > 0);
  return {
    count: list.length,
    idHi: Uint32Array.from(list, (t) => idHiOf(t.source, t.line)),
    idLo: Uint32Array.from(list, (t) => t.line % 2 ** 32),
    fan: hasFan ? { ends: endsOf(paths), bytes: Buffer.concat(paths) } : null,
    keyEnds: endsOf(list.map((t) => t.key)),
    valueEnds: endsOf(list.map((t) => t.value)),
    keys: Buffer.concat(list.map((t) => t.key)),
    values: Buffer.concat(list.map((t) => t.value)),
  };
}

/** The tuples of `block`. */
export function tuplesOf(block: Block): Tuple[] {
  return Array.from({ length: block.count }, (_, i) => ({
    source: sourceOf(block.idHi[i]),
    line: lineOf(block.idHi[i], block.idLo[i]),
    path: fanPath(block, i),
    key: cut(block.keys, block.keyEnds, i),
    value: cut(block.values, block.valueEnds, i),
  }));
}

function stepBytes(k: number): Buffer {
  const buffer = Buffer.alloc(5);
  return buffer.subarray(0, writeFanStep(buffer, 0, k));
}

function endsOf(parts: readonly Buffer[]): Uint32Array {
  let end = 0;
  return Uint32Array.from(parts, (part) => {
    end += part.length;
    return end;
  });
}

function cut(all: Uint8Array, ends: Uint32Array, i: number): Buffer {
  return Buffer.from(all.slice(i === 0 ? 0 : ends[i - 1], ends[i]));
}
