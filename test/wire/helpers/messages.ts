import fc from 'fast-check';
import type { Message } from '../../../src/wire/index.ts';

const u53 = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat());
const u32 = fc.oneof(fc.nat(300), fc.nat(0xffff_ffff));
const name = fc.string({ minLength: 1, maxLength: 60 });
const bytes = fc.uint8Array({ maxLength: 4096 });
const number = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true }));
const leaf = fc.oneof(fc.constant(null), fc.boolean(), number, fc.string(), bytes);

/** Any value that may travel. */
const plain: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string().filter(notReserved), tie('value'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
})).value;

function notReserved(key: string): boolean {
  return key !== '__proto__';
}

/** Messages of the kinds that have something to get wrong, with fields over their whole range. */
export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ kind: fc.constant('ping' as const), n: u32 }),
  fc.record({
    kind: fc.constant('request' as const),
    id: u53,
    method: name,
    params: plain,
    credit: u32,
  }),
  fc.record({ kind: fc.constant('item' as const), id: u53, value: plain }),
  fc.record({
    kind: fc.constant('request-data' as const),
    id: u53,
    method: name,
    params: plain,
    credit: u32,
    data: fc.tuple(bytes),
  }),
  fc.record({
    kind: fc.constant('item-data' as const),
    id: u53,
    value: plain,
    data: fc.tuple(bytes),
  }),
  fc.record({
    kind: fc.constant('data' as const),
    channel: u32,
    fromEpoch: u53,
    toEpoch: u53,
    firstSeq: u53.map((n) => Math.max(n, 1)),
    count: u32.map((n) => Math.max(n, 1)),
    block: bytes,
  }),
  fc.record({
    kind: fc.constant('ack' as const),
    channel: u32,
    toEpoch: u53,
    seq: u53,
    credit: u53,
  }),
  fc.record({
    kind: fc.constant('task-routes' as const),
    term: u53,
    job: name,
    stage: fc.nat(0xffff),
    routes: fc.array(fc.tuple(fc.nat(0xffff), name), { maxLength: 5 }),
  }),
);

/** The payload of a message: its frame without the length. */
export function payloadOf(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts).subarray(4);
}

/** `value` with every Buffer turned into a plain Uint8Array and -0 into 0, for comparison. */
export function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([k, each]) => [k, comparable(each)]));
  return value === 0 ? 0 : value;
}
