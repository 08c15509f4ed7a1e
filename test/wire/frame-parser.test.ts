import test from 'ava';
import fc from 'fast-check';
import { fixedMessages } from '../../native-proto/fixed-messages.ts';
import { bytesIn, isFault } from '../../src/core/index.ts';
import {
  CONTROL_FRAME_BYTES_MAX,
  DATA_FRAME_BYTES_MAX,
  decodeMessage,
  encodeMessage,
  FrameParser,
} from '../../src/wire/index.ts';
import { comparable } from './helpers/messages.ts';

const stream = Buffer.concat(fixedMessages.flatMap(([, message]) => encodeMessage(message)));
const expected = fixedMessages.map(([, message]) => comparable(message));

function parse(parser: FrameParser, chunk: Uint8Array): unknown[] {
  const messages: unknown[] = [];
  parser.push(chunk);
  for (let payload = parser.next(); payload !== null; payload = parser.next())
    messages.push(comparable(decodeMessage(payload)));
  return messages;
}

function head(length: number, payload: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(length);
  bytes.write(payload, 4, 'hex');
  return bytes;
}

test('the same messages come out however the stream is cut', (t) => {
  for (let size = 1; size < 200; size++) {
    const parser = new FrameParser();
    const messages: unknown[] = [];
    for (let at = 0; at < stream.length; at += size)
      messages.push(...parse(parser, stream.subarray(at, at + size)));
    t.deepEqual(messages, expected, `chunks of ${size}`);
  }
  const cuts = fc.array(fc.nat(stream.length), { maxLength: 30 });
  const property = fc.property(cuts, (at) => {
    const ends = [...at, stream.length].sort((a, b) => a - b);
    const parser = new FrameParser();
    const messages = ends.flatMap((end, i) =>
      parse(parser, stream.subarray(i === 0 ? 0 : ends[i - 1], end)),
    );
    t.deepEqual(messages, expected);
  });
  t.notThrows(() => fc.assert(property, { numRuns: 200, seed: 2 }));
});

test('a frame inside one chunk is a view of it', (t) => {
  const parser = new FrameParser();
  const bytes = Buffer.concat(encodeMessage({ kind: 'ping', n: 7 }));
  parser.push(bytes);
  const payload = parser.next();
  t.is(payload?.length, 1);
  t.is(payload?.[0].buffer, bytes.buffer);
  t.is(payload?.[0].byteOffset, bytes.byteOffset + 4);
});

test('a length above the limit of its message is refused at the eighth byte', (t) => {
  const cases: readonly (readonly [number, string, boolean])[] = [
    [CONTROL_FRAME_BYTES_MAX, 'a3000b01', true],
    [CONTROL_FRAME_BYTES_MAX + 1, 'a3000b01', false],
    [DATA_FRAME_BYTES_MAX, 'a7001701', true],
    [DATA_FRAME_BYTES_MAX + 1, 'a7001701', false],
    [0xffff_ffff, 'a7001701', false],
    [3, 'a7001701', false],
    [100, '82001701', false],
    [100, 'a7180017', false],
  ];
  for (const [length, payload, taken] of cases) {
    const parser = new FrameParser();
    const bytes = head(length, payload);
    parser.push(bytes.subarray(0, 7));
    t.is(parser.next(), null);
    parser.push(bytes.subarray(7));
    if (taken) t.is(parser.next(), null);
    else
      t.true(
        isFault(
          t.throws(() => parser.next()),
          'WIRE_INVALID',
        ),
      );
  }
});

test('a stranger has a limit of its own, until it is accepted', (t) => {
  const strict = new FrameParser(100);
  strict.push(head(101, 'a3000b01'));
  t.true(
    isFault(
      t.throws(() => strict.next()),
      'WIRE_INVALID',
    ),
  );
  const accepted = new FrameParser(100);
  accepted.limit = Number.POSITIVE_INFINITY;
  accepted.push(head(101, 'a3000b01'));
  t.is(accepted.next(), null);
});

test('a promised length costs no memory before its bytes arrive', (t) => {
  const before = process.memoryUsage().arrayBuffers;
  const parsers = Array.from({ length: 64 }, () => {
    const parser = new FrameParser();
    parser.push(head(DATA_FRAME_BYTES_MAX, 'a7001701'));
    parser.next();
    return parser;
  });
  const grown = process.memoryUsage().arrayBuffers - before;
  t.is(parsers.length, 64);
  t.true(grown < 32 * 1024 * 1024, `${grown} bytes for 64 promises of 32 MiB`);
});

test('the data of a bulk message stays where it arrived, wherever the stream is cut', (t) => {
  const data = Buffer.alloc(40_000, 'abcdefghijk');
  const params = { long: 'x'.repeat(6_000) };
  const message = { kind: 'request-data', id: 1, method: 'm', params, credit: 0 } as const;
  const bytes = Buffer.concat(encodeMessage({ ...message, data: [data] }));
  const beside = bytes.length - data.length;
  for (let first = 1; first < beside + 20; first += first < beside - 20 ? 97 : 1) {
    const parser = new FrameParser();
    const chunks = [bytes.subarray(0, first)];
    for (let at = first; at < bytes.length; at += 9_000)
      chunks.push(bytes.subarray(at, at + 9_000));
    const payloads = chunks.map((chunk) => {
      parser.push(chunk);
      return parser.next();
    });
    const payload = payloads.pop();
    t.true(payload !== null && payloads.every((each) => each === null));
    const decoded = decodeMessage(payload ?? []);
    if (decoded.kind !== 'request-data') return t.fail(decoded.kind);
    t.is(Buffer.compare(Buffer.concat([...decoded.data]), data), 0, `cut at ${first}`);
    t.deepEqual({ ...decoded, data: [] }, { ...message, data: [] });
    // what stands beside the data is in the first piece, unless that is a small one
    const inPlace = decoded.data.filter(({ buffer }) => buffer === bytes.buffer).length;
    if (first >= beside) t.true(inPlace >= 4, `cut at ${first}`);
  }
});

test('a data length that does not fit its frame is refused when it comes in pieces, too', (t) => {
  const message = { kind: 'item-data', id: 1, value: null } as const;
  const bytes = Buffer.concat(encodeMessage({ ...message, data: [Buffer.alloc(20_000)] }));
  for (const wrong of [-1, 1]) {
    const changed = Buffer.from(bytes.subarray(4));
    const at = changed.indexOf(Buffer.of(0x59, 20_000 >> 8, 20_000 & 255));
    changed.writeUInt16BE(20_000 + wrong, at + 1);
    for (const payload of [changed, [changed.subarray(0, 5_000), changed.subarray(5_000)]]) {
      t.true(
        isFault(
          t.throws(() => decodeMessage(payload)),
          'WIRE_INVALID',
        ),
      );
    }
  }
});

test('small pieces cost no more memory than they hold', (t) => {
  const parser = new FrameParser();
  const message = { kind: 'item-data', id: 1, value: null } as const;
  const bytes = Buffer.concat(encodeMessage({ ...message, data: [Buffer.alloc(100_000)] }));
  let payload: readonly Uint8Array[] | null = null;
  for (let at = 0; at < bytes.length; at += 100) {
    parser.push(bytes.subarray(at, at + 100));
    payload = parser.next();
  }
  t.true(payload !== null && payload.length < 10);
  const held = new Set(payload?.map(({ buffer }) => buffer));
  t.false(held.has(bytes.buffer));
  const kept = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0);
  t.true(kept < 110_000, `${kept} bytes are kept`);
});

test('memory for a large frame is what has arrived', (t) => {
  const parser = new FrameParser();
  const chunk = new Uint8Array(64 * 1024);
  parser.push(head(DATA_FRAME_BYTES_MAX, 'a7001701'));
  let payload = parser.next();
  let chunks = 0;
  while (payload === null) {
    const left = DATA_FRAME_BYTES_MAX - 4 - chunks * chunk.length;
    parser.push(left < chunk.length ? chunk.subarray(0, left) : chunk);
    payload = parser.next();
    chunks += 1;
  }
  t.is(bytesIn(payload), DATA_FRAME_BYTES_MAX);
  const copies = payload.filter(({ buffer }) => buffer !== chunk.buffer);
  t.true(bytesIn(copies) < 64 * 1024);
});
