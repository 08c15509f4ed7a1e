import test from 'ava';
import fc from 'fast-check';
import { fixedMessages } from '../../native-proto/fixed-messages.ts';
import { isFault } from '../../src/core/index.ts';
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
  t.is(payload?.buffer, bytes.buffer);
  t.is(payload?.byteOffset, bytes.byteOffset + 4);
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

test('memory for a large frame is at most twice what has arrived', (t) => {
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
  t.is(payload.length, DATA_FRAME_BYTES_MAX);
  t.true(payload.buffer.byteLength <= DATA_FRAME_BYTES_MAX);
});
