import test from 'ava';
import { isFault } from '../../../src/core/index.ts';
import { bulkBytes, flat, gathered } from '../../../src/hydfs/client/gather.ts';
import { ITEM_BYTES } from '../../../src/hydfs/client/messages.ts';
import { Bulk } from '../../../src/transport/index.ts';
import { collect } from '../helpers.ts';

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

test('items are full, hold large pieces where they are, and small ones together', async (t) => {
  const large = Buffer.alloc(ITEM_BYTES + 5_000, 'large');
  const small = Array.from({ length: 40 }, (_, i) => Buffer.alloc(100, `${i}`));
  const items = await collect(gathered(each([...small, large, ...small]), false));
  const whole = Buffer.concat([...small, large, ...small]);
  t.is(Buffer.compare(Buffer.concat(items.flat()), whole), 0);
  t.deepEqual(
    items.map((pieces) => pieces.map(({ length }) => length)),
    [
      [4_000, ITEM_BYTES - 4_000],
      [9_000, 4_000],
    ],
  );
  t.is(items[0][1].buffer, large.buffer);
  t.is(items[1][0].buffer, large.buffer);
  const pieces = await collect(flat(gathered(each([large]), false)));
  t.deepEqual(
    pieces.map(({ length }) => length),
    [ITEM_BYTES, 5_000],
  );
});

test('an item without bytes is no answer to who wants bytes', async (t) => {
  const bytes = Buffer.from('bytes');
  t.deepEqual(await collect(bulkBytes(each([new Bulk(null, [bytes])]))), [bytes]);
  const failure = await t.throwsAsync(() => collect(bulkBytes(each([bytes]))));
  t.true(isFault(failure, 'WIRE_INVALID'));
});
