import test from 'ava';
import fc from 'fast-check';
import { isFault } from '../../src/core/index.ts';
import {
  BULK_BYTES_MAX,
  CONTROL_FRAME_BYTES_MAX,
  DATA_BLOCK_BYTES_MAX,
  type Data,
  DEPTH_MAX,
  decodeMessage,
  encodeMessage,
  ITEMS_MAX,
  type Message,
} from '../../src/wire/index.ts';
import { anyMessage, comparable, payloadOf } from './helpers/messages.ts';

const data: Data = {
  kind: 'data',
  channel: 1,
  fromEpoch: 1,
  toEpoch: 1,
  firstSeq: 1,
  count: 1,
  block: new Uint8Array(100_000),
};

function refused(t: import('ava').ExecutionContext, run: () => unknown, says: RegExp): void {
  const error = t.throws(run);
  t.true(isFault(error, 'WIRE_INVALID'), String(error));
  t.regex(error?.message ?? '', says);
}

const item = (value: unknown): Message => ({ kind: 'item', id: 1, value });

test('what is decoded is what was encoded', (t) => {
  const property = fc.property(anyMessage, (message) => {
    const parts = encodeMessage(message);
    t.deepEqual(comparable(decodeMessage(payloadOf(parts))), comparable(message));
  });
  t.notThrows(() => fc.assert(property, { numRuns: 400, seed: 1 }));
});

test('a large block is sent and received without being copied', (t) => {
  const parts = encodeMessage(data);
  t.is(parts.at(-1), data.block);
  const payload = payloadOf(parts);
  const decoded = decodeMessage(payload);
  t.true(decoded.kind === 'data' && decoded.block.buffer === payload.buffer);
});

const bulk = (value: unknown, data: readonly Uint8Array[]): Message => ({
  kind: 'item-data',
  id: 1,
  value,
  data,
});

test('bulk data is sent and received without being copied', (t) => {
  const pieces = [new Uint8Array(100_000).fill(1), new Uint8Array(50_000).fill(2)];
  const parts = encodeMessage(bulk({ a: 1 }, pieces));
  t.is(parts[1], pieces[0]);
  t.is(parts[2], pieces[1]);
  const payload = payloadOf(parts);
  const decoded = decodeMessage(payload);
  t.true(decoded.kind === 'item-data' && decoded.data.length === 1);
  if (decoded.kind !== 'item-data') return;
  t.is(decoded.data[0].buffer, payload.buffer);
  t.deepEqual(comparable(decoded), comparable(bulk({ a: 1 }, [Buffer.concat(pieces)])));
});

test('pieces of bulk data arrive in order, whatever their sizes', (t) => {
  const piece = fc.integer({ min: 0, max: 5000 }).map((length) => new Uint8Array(length));
  const property = fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
    pieces.forEach((each, i) => {
      each.fill(i + 1);
    });
    const decoded = decodeMessage(payloadOf(encodeMessage(bulk(null, pieces))));
    t.deepEqual(comparable(decoded), comparable(bulk(null, [Buffer.concat(pieces)])));
  });
  t.notThrows(() => fc.assert(property, { numRuns: 200, seed: 7 }));
});

test('beside bulk data there may be as much as without, and no more', (t) => {
  const long = 'x'.repeat(CONTROL_FRAME_BYTES_MAX);
  const most = [new Uint8Array(BULK_BYTES_MAX)];
  t.notThrows(() => decodeMessage(payloadOf(encodeMessage(bulk(long.slice(100), most)))));
  refused(t, () => encodeMessage(bulk(long, [])), /bytes beside its data, more than 1048576/);
  const over = [...most, new Uint8Array(2 * CONTROL_FRAME_BYTES_MAX)];
  refused(t, () => encodeMessage(bulk(null, over)), /it has \d+ bytes, more than/);
  refused(t, () => encodeMessage(bulk(nested(DEPTH_MAX), [])), /nested deeper than 16/);
  refused(t, () => encodeMessage(bulk(Array(ITEMS_MAX - 6).fill(0), [])), /more than 65536 items/);
  refused(t, () => decodeMessage(besideOf(CONTROL_FRAME_BYTES_MAX + 100)), /beside its data/);
});

/** `item-data` whose value is a text of `length` bytes, by hand. */
function besideOf(length: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(length);
  const head = Buffer.from('a400100101027a', 'hex');
  return Buffer.concat([head, size, Buffer.alloc(length, 'x'), Buffer.from('0340', 'hex')]);
}

test('integers beyond 32 bits travel as integers, not as floats', (t) => {
  const payload = payloadOf(encodeMessage({ kind: 'cancel', id: 2 ** 40 }));
  t.is(payload.toString('hex'), 'a2000c011b0000010000000000');
});

test('undefined members are left out and undefined results are null', (t) => {
  const decoded = decodeMessage(payloadOf(encodeMessage(item({ a: undefined, b: [undefined] }))));
  t.deepEqual(decoded, { kind: 'item', id: 1, value: { b: [null] } });
  const nothing = decodeMessage(payloadOf(encodeMessage(item(undefined))));
  t.deepEqual(nothing, { kind: 'item', id: 1, value: null });
});

test('what cannot be written down is refused where it is sent, with its place', (t) => {
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [{ a: [() => 1] }, /item\.value\.a\[0\] is a function/],
    [{ a: new Map() }, /item\.value\.a is not a plain object/],
    [10n, /item\.value is a bigint/],
    [JSON.parse('{"__proto__": 1}'), /a member named __proto__/],
    ['x'.repeat(CONTROL_FRAME_BYTES_MAX), /bytes, more than 1048576/],
    [Array(ITEMS_MAX).fill(0), /more than 65536 items/],
    [nested(DEPTH_MAX), /nested deeper than 16/],
  ];
  for (const [value, says] of cases) refused(t, () => encodeMessage(item(value)), says);
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  refused(t, () => encodeMessage(item(cyclic)), /nested deeper/);
});

test('as much as the limits allow travels', (t) => {
  for (const value of [nested(DEPTH_MAX - 1), Array(ITEMS_MAX - 10).fill(0)]) {
    const decoded = decodeMessage(payloadOf(encodeMessage(item(value))));
    t.deepEqual(decoded, { kind: 'item', id: 1, value });
  }
});

test('wrong fields of data and ack are refused on both sides', (t) => {
  const cases: readonly (readonly [Partial<Data>, RegExp])[] = [
    [{ firstSeq: 0 }, /data\.firstSeq/],
    [{ count: 0 }, /data\.count/],
    [{ channel: 2 ** 32 }, /data\.channel/],
    [{ fromEpoch: 1.5 }, /data\.fromEpoch/],
    [{ toEpoch: Number.NaN }, /data\.toEpoch/],
    [{ block: new Uint8Array(DATA_BLOCK_BYTES_MAX + 1) }, /data\.block/],
  ];
  for (const [fields, says] of cases) refused(t, () => encodeMessage({ ...data, ...fields }), says);
  const hex = (text: string) => Buffer.from(text, 'hex');
  refused(t, () => decodeMessage(hex('a70017010102010301040005010640')), /data\.firstSeq/);
  refused(t, () => decodeMessage(hex('a700170101020103010401050106420000ff')), /data\.block/);
  refused(t, () => decodeMessage(hex('a7001701010201030104010501064200')), /data\.block/);
  refused(t, () => decodeMessage(hex('a70017020102010301040105010640')), /data\.channel/);
  refused(t, () => decodeMessage(hex('a5001818010102010301040100')), /ack has bytes after/);
  refused(t, () => decodeMessage(hex('a5001818010102010301043901')), /ack\.credit/);
  refused(t, () => decodeMessage(hex('a400181801010201030a')), /ack has not 4 fields/);
});

test('members named like those of every object are data and nothing else', (t) => {
  const value = { constructor: 1, toString: 'x', hasOwnProperty: null };
  const decoded = decodeMessage(payloadOf(encodeMessage(item(value))));
  t.deepEqual(decoded, { kind: 'item', id: 1, value });
  const evil = Buffer.from('a3000b010102a1695f5f70726f746f5f5fa16161f5', 'hex');
  const message = decodeMessage(evil);
  t.is(Object.getPrototypeOf(message.kind === 'item' ? message.value : null), Object.prototype);
});

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}
