import test from 'ava';
import { between, isFault, type Random, seededRandom, silentLog } from '../../src/core/index.ts';
import { type Entry, type Persist, RaftStore, type Snapshot } from '../../src/raft/index.ts';
import { addRecord, emptyImage, type Image } from '../../src/raft/record.ts';
import { SegmentedLog } from '../../src/storage/index.ts';
import { SimDisk } from '../sim/sim-disk.ts';

const DIR = '/data/raft';
const members = [{ id: 'v1', address: 'h1:1', votes: true }];

function open(machine: SimDisk, snapshot: () => Snapshot | null = () => null): Promise<RaftStore> {
  return RaftStore.open({
    disk: machine.mount(),
    dir: DIR,
    sync: 'group',
    log: silentLog,
    random: machine.random,
    segmentBytes: 700,
    id: 'v1',
    begin: () => members,
  }).then((store) => {
    store.snapshot = snapshot;
    return store;
  });
}

function plain({ id, hard, snapshot, entries }: Image): unknown {
  const data = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  return {
    id,
    hard,
    snapshot: { ...snapshot, data: data(snapshot.data) },
    entries: entries.map((entry) => ({ ...entry, data: data(entry.data) })),
  };
}

/** The same log, shortened to what `newest` does not hold. */
function shortened(image: Image, newest: Snapshot): Image {
  if (newest.index <= image.snapshot.index) return image;
  const entries = image.entries.filter(({ index }) => index > newest.index);
  return { ...image, snapshot: newest, entries };
}

/** Random steps of a voter: entries, some of which replace earlier ones; votes; snapshots. */
class Script {
  readonly model = emptyImage('v1');
  /** Entries up to here are decided: they are not replaced. */
  floor = 0;
  #seq = 0;
  #random: Random;

  constructor(random: Random) {
    this.#random = random;
    this.model.snapshot = { index: 0, term: 0, members, data: new Uint8Array(0) };
  }

  next(): Persist {
    const { snapshot, entries, hard } = this.model;
    const term = hard.term + between(this.#random, 0, 2);
    const base = {
      seq: ++this.#seq,
      hard: { term, vote: between(this.#random, 0, 2) ? 'v2' : null },
    };
    if (between(this.#random, 0, 12) === 0) {
      const index = snapshot.index + entries.length + between(this.#random, 1, 5);
      const data = Buffer.from(`state ${index}`);
      return { ...base, snapshot: { index, term, members, data }, entries: [] };
    }
    const least = Math.max(0, entries.length - 3, this.floor - snapshot.index);
    const keep = between(this.#random, least, entries.length + 1);
    const count = between(this.#random, 0, 4);
    const first = snapshot.index + keep + 1;
    const fresh = Array.from({ length: count }, (_, i): Entry => {
      const data = Buffer.from('x'.repeat(between(this.#random, 0, 60)));
      return { index: first + i, term, type: 'command', data };
    });
    return { ...base, snapshot: null, entries: fresh };
  }
}

/** Writes until the power fails; whether what is read back is what was synced, or more. */
async function oneLife(seed: number, lie: boolean): Promise<string | null> {
  const random = seededRandom(seed);
  const machine = new SimDisk({ random, shortWrites: 0.1 });
  const script = new Script(random);
  const history: Image[] = [structuredClone(script.model)];
  let durable = 0;
  const store = await open(machine);
  machine.diesAtStep = machine.steps + between(random, 2, 80);
  for (let n = 1; n <= 40 && !machine.dead; n++) {
    const persist = script.next();
    addRecord(script.model, persist);
    history.push(structuredClone(script.model));
    const written = store.append(persist).then(
      () => {
        durable = Math.max(durable, n);
      },
      () => undefined,
    );
    if (lie) durable = n;
    if (between(random, 0, 3) === 0) await written;
  }
  machine.crash({ reorder: seed % 2 === 0 });
  const again = await open(machine);
  const found = JSON.stringify(plain(again.initial));
  await again.close();
  const at = history.findLastIndex((image) => JSON.stringify(plain(image)) === found);
  if (at < 0) return 'what was read back was never written';
  return at >= durable ? null : `record ${durable} was durable, and only ${at} are there`;
}

test('after a power cut there is what was synced, and nothing that was never written', async (t) => {
  for (let seed = 1; seed <= 80; seed++) t.is(await oneLife(seed, false), null, `seed ${seed}`);
});

test('the power cuts notice a store that claims what is not synced', async (t) => {
  const found = new Set<string | null>();
  for (let seed = 1; seed <= 40; seed++) found.add(await oneLife(seed, true));
  t.true([...found].some((problem) => problem !== null));
});

test('segments begin with the sum of what was before, and older ones are freed', async (t) => {
  const random = seededRandom(5);
  const machine = new SimDisk({ random });
  const script = new Script(random);
  let newest: Snapshot = { index: 0, term: 0, members, data: new Uint8Array(0) };
  const store = await open(machine, () => newest);
  let rolls = 0;
  for (let n = 0; n < 200; n++) {
    const before = machine.paths(DIR).length;
    const persist = script.next();
    addRecord(script.model, persist);
    await store.append(persist);
    if (machine.paths(DIR).length !== before) rolls += 1;
    const { snapshot, entries } = script.model;
    const applied = entries.at(-4);
    if (snapshot.index > newest.index) newest = snapshot;
    if (applied === undefined || applied.index <= newest.index) continue;
    script.floor = applied.index;
    newest = { index: applied.index, term: applied.term, members, data: Buffer.from('applied') };
  }
  await store.close();
  t.true(rolls > 5);
  t.true(machine.paths(DIR).length <= 2);
  const again = await open(machine);
  const { initial } = again;
  t.deepEqual(plain(shortened(script.model, initial.snapshot)), plain(initial));
  await again.close();
});

test('the id of a voter is made with its log and stays with it', async (t) => {
  const machine = new SimDisk({ random: seededRandom(6) });
  const options = { dir: DIR, sync: 'group', log: silentLog, begin: null } as const;
  const again = (): Promise<RaftStore> =>
    RaftStore.open({ ...options, disk: machine.mount(), random: seededRandom(machine.steps) });
  const first = await again();
  await first.close();
  const second = await again();
  t.is(second.initial.id, first.initial.id);
  t.regex(first.initial.id, /^[0-9a-f]{32}$/);
  await second.close();
  const other = await RaftStore.open({
    ...options,
    disk: new SimDisk({ random: seededRandom(6) }).mount(),
    random: seededRandom(99),
  });
  t.not(other.initial.id, first.initial.id);
  await other.close();
});

test('a record that is none is a fault, not skipped', async (t) => {
  const machine = new SimDisk({ random: seededRandom(7) });
  const store = await open(machine);
  await store.close();
  const where = { disk: machine.mount(), dir: DIR, sync: 'group', log: silentLog } as const;
  const raw = await SegmentedLog.open({ ...where, header: () => new Uint8Array(0) });
  await raw.append([Uint8Array.of(0x01)]).durable;
  await raw.close();
  const error = await t.throwsAsync(open(machine));
  t.true(isFault(error, 'CONTROL_LOG_INVALID'));
});
