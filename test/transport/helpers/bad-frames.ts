import { between, type Random } from '../../../src/core/index.ts';
import { DATA_FRAME_BYTES_MAX, DEPTH_MAX, ITEMS_MAX } from '../../../src/wire/index.ts';
import { frame, hello } from './door.ts';

const item = frame({ kind: 'item', id: 1, value: 0 });

/** An `item` whose value is `value`, whatever that is. */
function itemOf(value: Uint8Array): Buffer {
  return framed(Buffer.concat([item.subarray(4, -1), value]));
}

function framed(payload: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length);
  return Buffer.concat([length, payload]);
}

/** The start of a frame that promises `length` bytes of the message that `like` is. */
function promised(length: number, like: Buffer): Buffer {
  const start = Buffer.from(like.subarray(0, 12));
  start.writeUInt32BE(length);
  return start;
}

export const data = frame({
  kind: 'data',
  channel: 1,
  fromEpoch: 1,
  toEpoch: 1,
  firstSeq: 1,
  count: 1,
  block: new Uint8Array(10),
});
/** As much as a frame may promise. */
export const longPromise = promised(DATA_FRAME_BYTES_MAX, data);

/** Frames that break one rule each. */
export const badFrames: readonly (readonly [string, Buffer])[] = [
  ['a message too large', promised(1024 * 1024 + 1, item)],
  ['a block too large', promised(DATA_FRAME_BYTES_MAX + 1, data)],
  ['4 GiB', promised(0xffff_ffff, data)],
  ['an empty frame', Buffer.from('0000000000000000', 'hex')],
  ['too deep', itemOf(Buffer.concat([Buffer.alloc(DEPTH_MAX, 0x81), Buffer.of(0)]))],
  ['much too deep', itemOf(Buffer.alloc(200_000, 0x81))],
  [
    'too many items',
    itemOf(Buffer.concat([arrayHead(ITEMS_MAX + 1), Buffer.alloc(ITEMS_MAX + 1)])),
  ],
  ['items that are only promised', itemOf(arrayHead(0xffff_ffff))],
  ['a tag', itemOf(Buffer.from('c100', 'hex'))],
  ['an unknown message', framed(Buffer.from('a20018c801', 'hex'))],
  ['other fields', framed(Buffer.from('a2000401f5', 'hex'))],
  ['a protocol of its own', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a welcome', frame({ kind: 'welcome', version: 1, node: 'n', term: 1 })],
];

/** What is wrong as the first frame only. */
export const badFirstFrames: readonly (readonly [string, Buffer])[] = [
  ...badFrames,
  ['data before hello', data],
  ['a ping before hello', frame({ kind: 'ping', n: 1 })],
  ['a goodbye before hello', frame({ kind: 'goodbye', fault: null })],
  ['more than a stranger may send', promised(4097, frame(hello))],
];

function arrayHead(items: number): Buffer {
  const head = Buffer.of(0x9a, 0, 0, 0, 0);
  head.writeUInt32BE(items, 1);
  return head;
}

/** `bytes` with some of them changed, cut off or added. */
export function damaged(bytes: Buffer, random: Random): Buffer {
  let result = Buffer.from(bytes);
  for (let changes = between(random, 1, 5); changes > 0; changes--) {
    const at = between(random, 0, Math.max(result.length, 1));
    const kind = between(random, 0, 8);
    if (kind === 0) result = result.subarray(0, at);
    else if (kind === 1)
      result = Buffer.concat([result.subarray(0, at), random.bytes(3), result.subarray(at)]);
    else if (result.length > 0) result[at] = random.u32() & 255;
  }
  return result;
}
