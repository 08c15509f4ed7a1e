import test from 'ava';
import { evenSlots, hashBytes, SLOTS, slotOf, slotOfHash } from '../../src/plan/index.ts';

const slot = (key: string): number => {
  const bytes = Buffer.from(key);
  return slotOf(bytes, 0, bytes.length);
};

/** The same hash with arbitrary-precision integers. */
function slotSlowly(key: string): number {
  const mask = 0xffffffffn;
  let h = 0x811c9dc5n;
  for (const byte of Buffer.from(key)) h = ((h ^ BigInt(byte)) * 0x01000193n) & mask;
  h = ((h ^ (h >> 16n)) * 0x85ebca6bn) & mask;
  h = ((h ^ (h >> 13n)) * 0xc2b2ae35n) & mask;
  return Number((h ^ (h >> 16n)) % BigInt(SLOTS));
}

test('the slot of a key never changes', (t) => {
  const frozen = { '': 11, a: 435, 'signs.csv:0': 470, Straße: 752 };
  for (const [key, expected] of Object.entries(frozen)) t.is(slot(key), expected, key);
});

test('the slot is what the definition says', (t) => {
  for (let i = 0; i < 2000; i++) t.is(slot(`key ${i * 7919}`), slotSlowly(`key ${i * 7919}`));
});

test('a hash continued is the hash of the whole', (t) => {
  const bytes = Buffer.from('signs.csv:12345');
  const prefix = hashBytes(bytes, 0, 10);
  t.is(slotOfHash(hashBytes(bytes, 10, bytes.length, prefix)), slotOf(bytes, 0, bytes.length));
});

test('line keys spread evenly over the slots', (t) => {
  const counts = new Array<number>(SLOTS).fill(0);
  const keys = 100 * SLOTS;
  for (let i = 0; i < keys; i++) counts[slot(`signs.csv:${i}`)] += 1;
  const chi = counts.reduce((sum, n) => sum + (n - 100) ** 2 / 100, 0);
  // 1023 degrees of freedom: mean 1023, standard deviation 45.
  t.true(chi > 1023 - 5 * 45 && chi < 1023 + 5 * 45, `chi squared is ${chi}`);
});

test('slots are dealt out evenly', (t) => {
  for (const tasks of [1, 2, 3, 7, 1024]) {
    const table = evenSlots(tasks, 5);
    const counts = new Array<number>(tasks).fill(0);
    for (const task of table.tasks) counts[task] += 1;
    t.is(table.version, 5);
    t.true(Math.max(...counts) - Math.min(...counts) <= 1);
  }
});

test('a stage of no tasks or of more tasks than slots has no table', (t) => {
  for (const tasks of [0, -1, 1.5, SLOTS + 1]) t.throws(() => evenSlots(tasks, 1));
});
