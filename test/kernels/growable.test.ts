import test from 'ava';
import fc from 'fast-check';
import { ByteSink, bytesOf, STORE_SLACK } from '../../src/kernels/growable.ts';
import { ingest } from '../../src/kernels/index.ts';
import { encodeBlock } from '../../src/plan/index.ts';
import { blockOf, lineBytes, tuples } from './tuples.ts';

test('whatever is appended, it is there, with room for a word behind it', (t) => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 20 });
  fc.assert(
    fc.property(pieces, fc.nat(64), (list, capacity) => {
      const sink = new ByteSink(capacity);
      for (const piece of list) sink.append(bytesOf(piece), 0, piece.length);
      const roomy = list.length === 0 || sink.bytes.length - sink.length >= STORE_SLACK;
      return roomy && Buffer.from(sink.take()).equals(Buffer.concat(list));
    }),
  );
  t.pass();
});

test('an operator text has room for a word behind it', (t) => {
  fc.assert(
    fc.property(tuples(lineBytes(30)), (list) => {
      const { text } = ingest({ block: encodeBlock(blockOf(list)), skip: 0 });
      return text.buffer.byteLength - text.length >= STORE_SLACK;
    }),
  );
  t.pass();
});
