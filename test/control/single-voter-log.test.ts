import test from 'ava';
import { type Command, emptyState, SingleVoterLog, snapshot } from '../../src/control/index.ts';
import {
  between,
  isFault,
  type Random,
  seededRandom,
  silentLog,
  systemClock,
} from '../../src/core/index.ts';
import { type Disk, type DiskFile, SegmentedLog } from '../../src/storage/index.ts';
import { SimDisk } from '../sim/sim-disk.ts';

const DIR = '/data/control';

function open(disk: Disk, random: Random, segmentBytes = 1 << 20): Promise<SingleVoterLog> {
  const clock = systemClock;
  const options = { disk, dir: DIR, sync: 'group', clock, log: silentLog } as const;
  return SingleVoterLog.open({ ...options, random, segmentBytes });
}

function admit(term: number, k: number): Command {
  return { kind: 'node-admit', term, node: `h${k}:1#a`, address: `h${k}:1`, cores: k, at: 1 };
}

test('what was decided is there after a reopen, under the next term', async (t) => {
  const machine = new SimDisk({ random: seededRandom(1) });
  const first = await open(machine.mount(), machine.random);
  t.is(first.term, 1);
  t.deepEqual(await first.propose(admit(1, 1)), { ok: true, replaced: [] });
  t.deepEqual(await first.propose({ ...admit(0, 2) }), {
    ok: false,
    why: 'stale-term',
    of: '1',
  });
  await first.close();
  const second = await open(machine.mount(), machine.random);
  t.deepEqual(second.role, { kind: 'leader', term: 2 });
  t.deepEqual([...second.state.nodes.keys()], ['h1:1#a']);
  t.is(second.state.index, 4);
  await second.close();
  t.deepEqual(second.role, { kind: 'closed' });
});

test('a decision has no effect before it is durable', async (t) => {
  const machine = new SimDisk({ random: seededRandom(2) });
  const log = await open(machine.mount(), machine.random);
  const heard: number[] = [];
  log.subscribe(({ index }) => heard.push(index));
  let release = (): void => undefined;
  machine.gate = new Promise((resolve) => {
    release = resolve;
  });
  const outcomes = Promise.all([log.propose(admit(1, 1)), log.propose(admit(1, 2))]);
  // Far more turns than the disk needs when it is not held.
  for (let turn = 0; turn < 100; turn++) await null;
  t.deepEqual([heard.length, log.state.nodes.size], [0, 0]);
  release();
  await outcomes;
  t.deepEqual(heard, [2, 3]);
  t.is(log.state.nodes.size, 2);
  await log.close();
});

test('a failed sync ends the log, and what it carried took no effect', async (t) => {
  const machine = new SimDisk({ random: seededRandom(3) });
  const log = await open(machine.mount(), machine.random);
  const roles: string[] = [];
  log.onRole((role) => roles.push(role.kind));
  machine.failingSyncs = 1;
  const failed = [log.propose(admit(1, 1)), log.propose(admit(1, 2))];
  for (const attempt of failed) await t.throwsAsync(attempt);
  t.is(log.state.nodes.size, 0);
  t.deepEqual(roles, ['failed']);
  const later = await t.throwsAsync(log.propose(admit(1, 3)));
  t.true(isFault(later, 'CONTROL_UNAVAILABLE'));
  await log.close();
});

test('a log cut at any byte opens to a prefix of its decisions', async (t) => {
  const machine = new SimDisk({ random: seededRandom(4) });
  const log = await open(machine.mount(), machine.random);
  for (let k = 1; k <= 6; k++) await log.propose(admit(1, k));
  await log.close();
  const [path] = machine.paths(DIR);
  const bytes = machine.contents(path);
  let before = 0;
  for (let length = 0; length <= bytes.length; length++) {
    const cut = new SimDisk({ random: seededRandom(5) });
    cut.plant(path, bytes.subarray(0, length));
    const reopened = await open(cut.mount(), cut.random);
    const names = [...reopened.state.nodes.keys()];
    t.deepEqual(
      names,
      names.map((_, i) => `h${i + 1}:1#a`),
    );
    t.true(names.length >= before, `${length} bytes`);
    before = names.length;
    await reopened.close();
  }
  t.is(before, 6);
});

test('segments begin with the state before them and older ones are freed', async (t) => {
  const machine = new SimDisk({ random: seededRandom(6) });
  let terms = 0;
  for (let life = 0; life < 4; life++) {
    const log = await open(machine.mount(), machine.random, 2000);
    t.is(log.term, ++terms);
    const proposals: Promise<unknown>[] = [];
    for (let k = 0; k < 30; k++) proposals.push(log.propose(admit(log.term, k % 7)));
    await Promise.all(proposals);
    const state = snapshot(log.state);
    await log.close();
    t.true(machine.paths(DIR).length <= 2, machine.paths(DIR).join(' '));
    const again = await open(machine.mount(), machine.random, 2000);
    terms += 1;
    t.deepEqual(
      snapshot({ ...again.state, term: 0, index: 0 }),
      snapshot({
        ...log.state,
        term: 0,
        index: 0,
      }),
    );
    t.true(state.length > 0);
    await again.close();
  }
});

test('an entry that is no command is a fault, not skipped', async (t) => {
  const machine = new SimDisk({ random: seededRandom(7) });
  const disk = machine.mount();
  const options = { disk, dir: DIR, sync: 'group', log: silentLog } as const;
  const raw = await SegmentedLog.open({ ...options, header: () => snapshot(emptyState) });
  await raw.append([Uint8Array.of(0x01)]).durable;
  await raw.close();
  const error = await t.throwsAsync(open(disk, machine.random));
  t.true(isFault(error, 'CONTROL_LOG_INVALID'));
});

/** What a life of random proposals and a power cut leaves, against what was promised. */
async function promisesKept(
  seed: number,
  mount: (machine: SimDisk) => Disk,
): Promise<string | null> {
  const random = seededRandom(seed);
  const machine = new SimDisk({ random, shortWrites: 0.1 });
  let promised = 0;
  let term = 0;
  for (let life = 0; life < 6; life++) {
    machine.diesAtStep = machine.steps + between(random, 3, 60);
    const acked = await oneLife(mount(machine), { random, term, from: promised });
    if (acked.broken !== null) return acked.broken;
    promised = Math.max(promised, acked.highest);
    term = Math.max(term, acked.term);
    machine.crash({ reorder: seed % 2 === 1 });
  }
  const log = await open(machine.mount(), random, 600);
  const broken = log.term <= term ? 'a term came back' : missing(log, promised);
  await log.close();
  return broken;
}

interface Life {
  readonly broken: string | null;
  readonly highest: number;
  readonly term: number;
}

/** Proposes nodes 1, 2, 3 ... until the machine dies; which were acknowledged. */
async function oneLife(
  disk: Disk,
  { random, term, from }: { random: Random; term: number; from: number },
): Promise<Life> {
  let highest = from;
  let log: SingleVoterLog;
  try {
    log = await open(disk, random, 600);
  } catch (error) {
    const ended =
      error instanceof Error && /this process has ended/.test(String(error.cause ?? error));
    if (!ended && !isFault(error, 'DISK_FAILED')) throw error;
    return { broken: null, highest, term };
  }
  if (log.term <= term) return { broken: 'a term came back', highest, term };
  const gone = missing(log, from);
  if (gone !== null) return { broken: gone, highest, term };
  const waiting: Promise<void>[] = [];
  for (let k = log.state.nodes.size + 1; k < log.state.nodes.size + 40; k++) {
    const proposal = log.propose(admit(log.term, k)).then(
      () => {
        highest = Math.max(highest, k);
      },
      () => undefined,
    );
    waiting.push(proposal);
    if (between(random, 0, 3) === 0) await proposal;
    if (log.role.kind === 'failed') break;
  }
  await Promise.all(waiting);
  return { broken: null, highest, term: log.term };
}

function missing(log: SingleVoterLog, promised: number): string | null {
  for (let k = 1; k <= promised; k++) {
    if (!log.state.nodes.has(`h${k}:1#a`)) return 'an acknowledged decision is gone';
  }
  return null;
}

test('whatever was acknowledged before a power cut is there after it', async (t) => {
  for (let seed = 1; seed <= 40; seed++) {
    t.is(await promisesKept(seed, (machine) => machine.mount()), null, `seed ${seed}`);
  }
});

test('the power cuts notice a disk that only says it has synced', async (t) => {
  const broken = new Set<string | null>();
  for (let seed = 1; seed <= 20; seed++) {
    const found = await promisesKept(seed, lying).catch(() => 'the log is damaged');
    broken.add(found);
  }
  t.true(broken.has('an acknowledged decision is gone') || broken.has('a term came back'));
});

/** A disk whose datasync does nothing. */
function lying(machine: SimDisk): Disk {
  const disk = machine.mount();
  return {
    open: async (path, mode) => withoutSync(await disk.open(path, mode)),
    mkdir: (path) => disk.mkdir(path),
    list: (path) => disk.list(path),
    rename: (from, to) => disk.rename(from, to),
    unlink: (path) => disk.unlink(path),
    rmdir: (path) => disk.rmdir(path),
    syncDir: (path) => disk.syncDir(path),
  };
}

function withoutSync(file: DiskFile): DiskFile {
  return {
    path: file.path,
    writev: (parts, position) => file.writev(parts, position),
    read: (into, position) => file.read(into, position),
    datasync: async () => undefined,
    truncate: (length) => file.truncate(length),
    size: () => file.size(),
    close: () => file.close(),
  };
}
