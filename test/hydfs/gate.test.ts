import test from 'ava';
import { isFault } from '../../src/core/index.ts';
import type { LocalFileSystem } from '../../src/hydfs/index.ts';
import type { SimDisk } from '../sim/sim-disk.ts';
import { collect, microtasks, openFiles, simDisk, textOf } from './helpers.ts';
import { ManualGate } from './manual-gate.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const ENOUGH = 300;

interface Gated {
  readonly disk: SimDisk;
  readonly files: LocalFileSystem;
  readonly gate: ManualGate;
}

/** Files with the gate of one, `f`, which has its first entry everywhere. */
async function gated(): Promise<Gated> {
  const disk = simDisk();
  const files = await openFiles(disk.mount(), { segmentBytes: 400 });
  const gate = new ManualGate();
  files.setGate(() => gate);
  const created = files.create('f');
  await microtasks(ENOUGH);
  gate.commit(1);
  await created;
  return { disk, files, gate };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: unknown) => (isFault(error) ? error.code : String(error)),
  );
}

/** What has become of promises, in words. */
function watch(promises: Readonly<Record<string, Promise<unknown>>>): Set<string> {
  const done = new Set<string>();
  for (const [name, promise] of Object.entries(promises)) {
    promise.then(
      () => done.add(name),
      (error: unknown) => done.add(`${name}: ${isFault(error) ? error.code : error}`),
    );
  }
  return done;
}

test('an append is acknowledged when it is everywhere, not when it is durable here', async (t) => {
  const { files, gate } = await gated();
  const opened = files.openWriter('f', 'w', 1);
  await microtasks(ENOUGH);
  gate.commit(2);
  const writer = await opened;
  const first = writer.append({ seq: 1, parts: [bytes('a')] });
  const repeat = writer.append({ seq: 1, parts: [bytes('a')] });
  const anonymous = files.append('f', bytes('b'));
  const done = watch({ first, repeat, anonymous });
  await microtasks(ENOUGH);
  const file = await files.openFile('f');
  t.is(file.durableIndex, 4);
  t.deepEqual([...done], []);
  gate.commit(3);
  await microtasks(ENOUGH);
  t.deepEqual([...done].sort(), ['first', 'repeat']);
  gate.commit(4);
  t.deepEqual(await anonymous, { length: 2 });
  await files.close();
});

test('what is everywhere else but not durable here is not acknowledged', async (t) => {
  const { disk, files, gate } = await gated();
  const held = Promise.withResolvers<void>();
  disk.gate = held.promise;
  const done = watch({ append: files.append('f', bytes('a')) });
  await microtasks(ENOUGH);
  gate.commit(2);
  await microtasks(ENOUGH);
  t.deepEqual([...done], []);
  t.is((await files.stat('f')).length, 0);
  held.resolve();
  await microtasks(ENOUGH);
  t.deepEqual([...done], ['append']);
  t.is((await files.stat('f')).length, 1);
  await files.close();
});

test('readers and followers see what is everywhere, and a copy is read without the gate', async (t) => {
  const { files, gate } = await gated();
  const stop = new AbortController();
  let followed = '';
  const following = (async () => {
    for await (const data of files.tail('f', { signal: stop.signal })) {
      followed += Buffer.from(data).toString();
    }
  })();
  await microtasks(ENOUGH);
  for (const text of ['a', 'b', 'c']) void files.append('f', bytes(text));
  await microtasks(ENOUGH);
  const file = await files.openFile('f');
  t.is(await textOf(file.bytes(0, 10)), 'abc');
  const seen = async (): Promise<[string, number, number, string]> => {
    const entries = await collect(files.entries('f'));
    const { length } = await files.stat('f');
    return [await textOf(files.read('f')), length, entries.length, followed];
  };
  t.deepEqual(await seen(), ['', 0, 0, '']);
  gate.commit(3);
  await microtasks(ENOUGH);
  t.deepEqual(await seen(), ['ab', 2, 2, 'ab']);
  gate.commit(4);
  await microtasks(ENOUGH);
  t.deepEqual(await seen(), ['abc', 3, 3, 'abc']);
  stop.abort();
  await following;
  await files.close();
});

test('a closed gate lets no entry through, and nothing is placed', async (t) => {
  const { disk, files, gate } = await gated();
  const opened = files.openWriter('f', 'w', 1);
  await microtasks(ENOUGH);
  gate.commit(2);
  const writer = await opened;
  gate.open = false;
  const before = gate.entries.length;
  const told = await Promise.all([
    codeOf(writer.append({ seq: 1, parts: [bytes('a')] })),
    codeOf(files.append('f', bytes('a'))),
    codeOf(files.openWriter('f', 'w', 2)),
    codeOf(files.openWriter('g', 'w', 1, { create: true })),
    codeOf(files.create('h')),
  ]);
  t.deepEqual(new Set(told), new Set(['NOT_PRIMARY']));
  t.is(gate.entries.length, before);
  t.is((await files.openFile('f')).nextIndex, 2);
  t.is(await codeOf(files.openFile('h')), 'FILE_MISSING');
  t.deepEqual(await files.list(), ['f']);
  gate.open = true;
  files.setGate(null);
  await files.create('h');
  await files.close();
  const again = await openFiles(disk.mount());
  t.deepEqual(await again.list(), ['f', 'h']);
  await again.close();
});

test('the gate is told of each entry in the turn of its placing, with bytes that stay', async (t) => {
  const { files, gate } = await gated();
  const data = Buffer.from('before');
  const append = files.append('f', data);
  await microtasks(ENOUGH);
  data.write('after!');
  gate.commit(2);
  await append;
  const stored = await collect((await files.openFile('f')).rawEntries(0));
  t.deepEqual(
    gate.entries.map(({ index, payload }) => [index, Buffer.from(payload).toString('latin1')]),
    stored.map(({ index, payload }) => [index, Buffer.from(payload).toString('latin1')]),
  );
  t.is(await textOf(files.read('f')), 'before');
  await files.close();
});

test('that a writer is fenced or open is told when everybody knows it', async (t) => {
  const { files, gate } = await gated();
  const second = watch({ open: files.openWriter('f', 'w', 2) });
  await microtasks(ENOUGH);
  const others = watch({
    same: files.openWriter('f', 'w', 2),
    older: files.openWriter('f', 'w', 1),
  });
  await microtasks(ENOUGH);
  t.deepEqual([...second, ...others], []);
  gate.commit(2);
  await microtasks(ENOUGH);
  t.deepEqual([...second, ...others].sort(), ['older: FENCED', 'open', 'same']);
  await files.close();
});

test('what was not placed under the gate is told when the gate knows it', async (t) => {
  const disk = simDisk();
  const first = await openFiles(disk.mount());
  await first.create('f');
  await first.append('f', bytes('abc'));
  await first.close();
  const files = await openFiles(disk.mount());
  const gate = new ManualGate();
  files.setGate(() => gate);
  const done = watch({ stat: files.stat('f'), read: textOf(files.read('f')) });
  await microtasks(ENOUGH);
  gate.commit(1);
  await microtasks(ENOUGH);
  t.deepEqual([...done], [], 'a part of it is not enough: its end may have been told before');
  gate.commit(2);
  await microtasks(ENOUGH);
  t.deepEqual([...done].sort(), ['read', 'stat']);
  t.is((await files.stat('f')).length, 3);
  gate.end();
  t.is((await files.stat('f')).length, 3, 'what was told stays told');
  await files.close();
});

test('an entry that was given up is told of once it is everywhere after all', async (t) => {
  const { files, gate } = await gated();
  const append = files.append('f', bytes('a'));
  await microtasks(ENOUGH);
  gate.end();
  t.is(await codeOf(append), 'REPLICA_NOT_READY');
  t.is((await files.stat('f')).length, 0);
  gate.commit(2);
  t.is((await files.stat('f')).length, 1);
  t.is(await textOf(files.read('f')), 'a');
  await files.close();
});

test('a file that is being created is given to replicas, and is there when they have it', async (t) => {
  const files = await openFiles(simDisk().mount());
  const gate = new ManualGate();
  files.setGate(() => gate);
  const creations = {
    create: files.create('f'),
    again: files.create('f'),
    stat: files.stat('f'),
    open: files.openWriter('f', 'w', 1, { create: true }),
  };
  const done = watch(creations);
  await microtasks(ENOUGH);
  t.deepEqual([...done], []);
  // what sends it to them goes by the same steps and must not wait for them
  const file = await files.openFile('f');
  t.is(file.nextIndex, 1);
  t.deepEqual((await collect(file.rawEntries(0))).length, 1);
  t.true((await file.snapshotAt(0)).length > 0);
  gate.commit(1);
  await microtasks(ENOUGH);
  t.deepEqual([...done].sort(), ['again: FILE_EXISTS', 'create', 'stat']);
  gate.commit(2);
  await creations.open;
  await files.close();
});

test('a follower at a gate stops when it is told to', async (t) => {
  const { files } = await gated();
  const stop = new AbortController();
  const tail = collect(files.tail('f', { signal: stop.signal }));
  await microtasks(ENOUGH);
  void files.append('f', bytes('a'));
  await microtasks(ENOUGH);
  stop.abort();
  t.deepEqual(await tail, []);
  await files.close();
});
