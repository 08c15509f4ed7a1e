import test from 'ava';
import { isFault, seededRandom } from '../../src/core/index.ts';
import { openStoreId } from '../../src/hydfs/index.ts';
import { ROOT, simDisk } from './helpers.ts';

test('a store keeps its id over restarts, and another store has another', async (t) => {
  const disk = simDisk();
  const id = await openStoreId(disk.mount(), ROOT, seededRandom(1));
  t.regex(id, /^[0-9a-f]{32}$/);
  disk.crash();
  t.is(await openStoreId(disk.mount(), ROOT, seededRandom(2)), id);
  t.not(await openStoreId(simDisk().mount(), ROOT, seededRandom(2)), id);
});

test('an id that was given is there after a crash at any step, and none is half there', async (t) => {
  let made = 0;
  for (let step = 1; step < 12; step++) {
    const disk = simDisk(step);
    disk.diesAtStep = disk.steps + step;
    const id = await openStoreId(disk.mount(), ROOT, seededRandom(1)).catch(() => null);
    disk.crash({ reorder: true });
    const again = await openStoreId(disk.mount(), ROOT, seededRandom(2));
    t.regex(again, /^[0-9a-f]{32}$/);
    if (id !== null) t.is(again, id);
    made += id === null ? 0 : 1;
  }
  t.true(made > 0 && made < 11, String(made));
});

test('a file that is no id is refused, not replaced', async (t) => {
  for (const text of ['', 'abc\n', `${'0'.repeat(32)}\n\n`, `${'0'.repeat(70)}\n`]) {
    const disk = simDisk();
    disk.plant(`${ROOT}/store-id`, Buffer.from(text));
    const error = await t.throwsAsync(openStoreId(disk.mount(), ROOT, seededRandom(1)));
    t.true(isFault(error, 'STORE_ID_INVALID'), String(error));
    t.is(Buffer.from(disk.contents(`${ROOT}/store-id`)).toString(), text);
  }
});
