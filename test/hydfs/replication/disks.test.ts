import test, { type ExecutionContext } from 'ava';
import { fault } from '../../../src/core/index.ts';
import { METHODS } from '../../../src/hydfs/replication/messages.ts';
import { ringPointOf } from '../../../src/plan/index.ts';
import { until } from '../../helpers/poll.ts';
import { textOf } from '../helpers.ts';
import { Cluster, type Site, type SiteOptions } from './cluster.ts';
import { configOf, copyAt, isEmpty, isPending, NAME, tiny } from './helpers.ts';

/** A file of many segments at three replicas, and its text. */
async function segmented(
  t: ExecutionContext,
  options: SiteOptions = {},
): Promise<{ cluster: Cluster; text: string }> {
  const cluster = await Cluster.start(['a', 'b', 'c'], { segmentBytes: 1_000, ...options });
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a', 'b', 'c']);
  const files = cluster.site('a').replicas.files();
  await files.create(NAME);
  let text = '';
  for (let i = 0; i < 40; i++) {
    const line = `${i} ${'x'.repeat(100)}\n`;
    await files.append(NAME, Buffer.from(line));
    text += line;
  }
  return { cluster, text };
}

/** Inverts a bit in the middle of the data of the oldest segment. */
function damage({ disk }: Site): void {
  const [oldest] = disk.paths('/data/hydfs/files');
  disk.flip(oldest, (disk.contents(oldest).length - 60) * 8);
}

test('a bit that flipped in the copy of a backup is found by a merge and made good', async (t) => {
  const { cluster, text } = await segmented(t);
  const files = cluster.site('a').replicas.files();
  damage(cluster.site('c'));
  const outcome = await files.merge(NAME);
  t.deepEqual(outcome.repaired, ['c']);
  t.is(outcome.replicas, 2);
  t.true(outcome.blocks > 0);
  t.is(await copyAt(cluster, 'c', await files.stat(NAME)), text);
  t.deepEqual((await files.merge(NAME)).repaired, []);
});

test('a bit that flipped at the primary is never served, and made good from a backup', async (t) => {
  const { cluster, text } = await segmented(t);
  const files = cluster.site('a').replicas.files();
  damage(cluster.site('a'));
  t.is(await textOf(files.read(NAME)), text);
  const told = await files.append(NAME, Buffer.from('end\n'));
  await cluster.kill('b');
  await cluster.kill('c');
  cluster.keeper.set(['a']);
  t.is(await textOf(files.read(NAME)), `${text}end\n`);
  t.is(told.length, text.length + 4);
});

test('a primary whose copy is damaged surveys again who has begun anew, and takes the copy there', async (t) => {
  const { cluster, text } = await segmented(t);
  for (const store of ['b', 'c']) await cluster.restart(store, await cluster.kill(store));
  damage(cluster.site('a'));
  const files = cluster.site('a').replicas.files();
  // the first try may meet a connection of before
  const read = (): Promise<string | null> => textOf(files.read(NAME)).catch(() => null);
  t.is(await until(read, { what: 'the file to be read' }), text);
});

test('replicas that have begun anew are surveyed again by a merge', async (t) => {
  const { cluster } = await segmented(t);
  const files = cluster.site('a').replicas.files();
  for (const store of ['b', 'c']) await cluster.restart(store, await cluster.kill(store));
  const merged = await until(() => files.merge(NAME).catch(() => null), { what: 'a merge' });
  t.deepEqual(merged.repaired, []);
});

test('a bit that flipped in a copy is not served by it, and the primary makes it anew', async (t) => {
  const { cluster, text } = await segmented(t);
  const files = cluster.site('a').replicas.files();
  damage(cluster.site('b'));
  const told = await files.stat(NAME);
  await t.throwsAsync(copyAt(cluster, 'b', told), { code: 'REPLICA_NOT_READY' });
  const whole = await until(() => copyAt(cluster, 'b', told).catch(() => null), {
    what: 'the copy to be made anew',
  });
  t.is(whole, text);
});

test('a copy that is found damaged between two sessions is made anew in the next one', async (t) => {
  const { cluster } = await segmented(t);
  const { replicas } = cluster.site('a');
  const { disk } = cluster.site('c');
  const [oldest] = disk.paths('/data/hydfs/files');
  cluster.loses = ({ to }) => to === 'c';
  const append = replicas.files().append(NAME, Buffer.from('end\n'));
  const asked = cluster.asked.length;
  const isAsking = (): boolean =>
    cluster.asked.slice(asked).some(({ to, method }) => to === 'c' && method === METHODS.survey);
  append.catch(() => {});
  await until(isAsking, { what: 'the session with c to be over' });
  const damaged = replicas.methods()[METHODS.damaged];
  if (damaged.kind !== 'unary') throw new Error('it has one answer');
  const params = { point: ringPointOf(NAME), version: 1, name: NAME, store: 'c' };
  await damaged.run(params, new AbortController().signal, []);
  cluster.loses = () => false;
  await append;
  await until(() => !disk.paths('/data/hydfs/files').includes(oldest), { what: 'another copy' });
  t.deepEqual((await replicas.files().merge(NAME)).repaired, []);
});

test('the background comparison finds damage that nobody reads', async (t) => {
  const { cluster, text } = await segmented(t, { limits: { scrubMs: 5 } });
  damage(cluster.site('c'));
  const told = await cluster.site('a').replicas.files().stat(NAME);
  const whole = await until(() => copyAt(cluster, 'c', told).catch(() => null), {
    what: 'the copy to be made anew',
  });
  t.is(whole, text);
});

test('a damaged copy at the primary is not sent to a store that is being filled', async (t) => {
  const { cluster, text } = await segmented(t);
  cluster.keeper.set(['a', 'b']);
  await until(() => isEmpty(cluster, 'c'), { what: 'c to be empty' });
  damage(cluster.site('a'));
  cluster.keeper.set(['a', 'b'], ['c']);
  await until(() => configOf(cluster).replicas.includes('c'), { what: 'c to be a replica' });
  const told = await cluster.site('a').replicas.files().stat(NAME);
  t.is(await copyAt(cluster, 'c', told), text);
});

test('a backup whose disk is full is reported, and appends go on without it', async (t) => {
  const { cluster, text } = await segmented(t);
  const files = cluster.site('a').replicas.files();
  cluster.site('c').disk.capacity = 100;
  const append = files.append(NAME, Buffer.from('end\n'));
  append.catch(() => {});
  const { told } = cluster.site('a');
  await until(() => told.some(({ kind, store }) => kind === 'unfit' && store === 'c'), {
    what: 'the full disk to be reported',
  });
  t.true(await isPending(append));
  cluster.keeper.set(['a', 'b']);
  t.is((await append).length, text.length + 4);
});

test('a primary whose sync fails reports itself and acknowledges nothing', async (t) => {
  const { cluster, text } = await segmented(t);
  const old = cluster.site('a');
  old.disk.failingSyncs = 1;
  await t.throwsAsync(old.replicas.files().append(NAME, Buffer.from('end\n')), {
    code: 'DISK_FAILED',
  });
  t.true(old.told.some(({ kind, store }) => kind === 'unfit' && store === 'a'));
  cluster.keeper.set(['b', 'c']);
  const files = cluster.site('b').replicas.files();
  t.true((await textOf(files.read(NAME))).startsWith(text));
});

/** The only replica of a file with one line. */
async function alone(t: ExecutionContext): Promise<Site> {
  const cluster = await Cluster.start(['a']);
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a']);
  const site = cluster.site('a');
  await site.replicas.files().openWriter(NAME, 'w', 1, { create: true });
  await numbered(site, 1);
  return site;
}

/** Append `seq` of the writer. */
function numbered({ replicas }: Site, seq: number): Promise<{ readonly length: number }> {
  const parts = [Buffer.from(`line ${seq}\n`)];
  return replicas.files().appendAs(NAME, { writer: 'w', epoch: 1, seq, parts });
}

test('the last replica whose sync failed goes on when its disk does, and loses and doubles nothing', async (t) => {
  const site = await alone(t);
  for (const [seq, failures] of [
    [2, 1],
    [3, 4],
  ]) {
    site.disk.failingSyncs = failures;
    await t.throwsAsync(numbered(site, seq), { code: 'DISK_FAILED' });
    await until(() => numbered(site, seq).catch(() => null), {
      what: 'the disk to be tried again',
    });
  }
  t.is(await textOf(site.replicas.files().read(NAME)), 'line 1\nline 2\nline 3\n');
  site.disk.crash();
  t.deepEqual(site.told, [], 'nobody can take its place');
});

test('a place of the disk that cannot be read does not stop the files of the last replica', async (t) => {
  const site = await alone(t);
  const files = site.replicas.files();
  const abort = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const piece of files.tail(NAME, { signal: abort.signal }))
      seen.push(Buffer.from(piece).toString());
  })();
  await until(() => seen.length > 0, { what: 'the first line' });
  const facts = { doing: 'reading', path: 'a segment', reason: 'EIO' };
  const stat = (): Promise<never> => Promise.reject(fault('DISK_FAILED', facts));
  Object.defineProperty(site.files, 'stat', { value: stat, configurable: true });
  await t.throwsAsync(files.stat(NAME), { code: 'DISK_FAILED' });
  Reflect.deleteProperty(site.files, 'stat');
  await numbered(site, 2);
  await until(() => seen.length > 1, { what: 'the second line, without an interruption' });
  abort.abort();
  await following;
});

test('a primary whose disk has failed and that nobody replaces goes on when its disk does', async (t) => {
  const { cluster, text } = await segmented(t);
  const site = cluster.site('a');
  site.disk.failingSyncs = 3;
  const files = site.replicas.files();
  await t.throwsAsync(files.append(NAME, Buffer.from('end\n')), { code: 'DISK_FAILED' });
  t.true(site.told.some(({ kind, store }) => kind === 'unfit' && store === 'a'));
  const append = (): Promise<object | null> =>
    files.append(NAME, Buffer.from('more\n')).catch(() => null);
  await until(append, { what: 'the disk to be tried again' });
  const found = await textOf(files.read(NAME));
  t.true(
    [`${text}end\nmore\n`, `${text}more\n`].includes(found.replaceAll('more\nmore\n', 'more\n')),
  );
  t.deepEqual((await files.merge(NAME)).repaired, []);
});

test('the last replica whose disk is full goes on when there is room again', async (t) => {
  const site = await alone(t);
  const sizes = site.disk.paths().map((path) => site.disk.contents(path).length);
  site.disk.capacity = sizes.reduce((sum, size) => sum + size, 0);
  await t.throwsAsync(numbered(site, 2), { code: 'DISK_FULL' });
  const files = site.replicas.files();
  t.is(await textOf(files.read(NAME)), 'line 1\n', 'what is there is read meanwhile');
  await t.throwsAsync(numbered(site, 2), { code: 'DISK_FULL' });
  site.disk.capacity = Number.POSITIVE_INFINITY;
  await until(() => numbered(site, 2).catch(() => null), { what: 'the disk to be tried again' });
  t.is(await textOf(files.read(NAME)), 'line 1\nline 2\n');
});

test('a replica that was taken out for its disk is filled again while it runs', async (t) => {
  const { cluster, text } = await segmented(t);
  const files = cluster.site('a').replicas.files();
  const { disk } = cluster.site('c');
  disk.failingSyncs = 2;
  const append = files.append(NAME, Buffer.from('end\n'));
  const { told } = cluster.site('a');
  await until(() => told.some(({ kind, store }) => kind === 'unfit' && store === 'c'), {
    what: 'the disk to be reported',
  });
  cluster.keeper.set(['a', 'b']);
  await append;
  cluster.keeper.set(['a', 'b'], ['c']);
  await until(() => configOf(cluster).replicas.includes('c'), { what: 'c to be a replica' });
  const more = await files.append(NAME, Buffer.from('more\n'));
  t.is(await copyAt(cluster, 'c', more), `${text}end\nmore\n`);
});

test('a store that cannot discard its files does so when its disk works again', async (t) => {
  const { cluster } = await segmented(t);
  let n = 0;
  while (ringPointOf(`neighbour ${n}`) !== ringPointOf(NAME)) n += 1;
  await cluster.site('a').replicas.files().create(`neighbour ${n}`);
  const { disk, files } = cluster.site('c');
  t.is((await files.list()).length, 2);
  disk.failingDirSyncs = 1;
  cluster.keeper.set(['a', 'b']);
  await until(() => isEmpty(cluster, 'c'), { what: 'c to be empty' });
  t.is(disk.failingDirSyncs, 0);
});

test('a store that does not answer is not called unfit', async (t) => {
  const { cluster } = await segmented(t);
  cluster.cut('c');
  const append = cluster.site('a').replicas.files().append(NAME, Buffer.from('end\n'));
  append.catch(() => {});
  t.true(await isPending(append));
  t.deepEqual(cluster.site('a').told, []);
});

test('files much larger than what is kept in memory reach a store that joins during appends', async (t) => {
  const cluster = await Cluster.start(['a', 'b', 'c'], { segmentBytes: 20_000, limits: tiny });
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a', 'b']);
  const files = cluster.site('a').replicas.files();
  await files.create(NAME);
  const writer = await files.openWriter(NAME, 'w', 1);
  const lines: string[] = [];
  const append = (bytes: number): Promise<void> => {
    const line = `${lines.length} ${'y'.repeat(bytes)}\n`;
    lines.push(line);
    return writer.append({ seq: lines.length, parts: [Buffer.from(line)] });
  };
  const some = async (count: number): Promise<void> => {
    const appends: Promise<void>[] = [];
    for (let i = 0; i < count; i++) appends.push(append(i % 50 === 0 ? 10_000 : 300));
    await Promise.all(appends);
  };
  await some(150);
  cluster.keeper.set(['a', 'b'], ['c']);
  await some(150);
  await until(() => configOf(cluster).replicas.includes('c'), { what: 'c to be a replica' });
  await some(50);
  const told = await files.stat(NAME);
  const text = lines.join('');
  t.is(told.length, text.length);
  for (const store of ['a', 'b', 'c']) t.is(await copyAt(cluster, store, told), text);
  t.deepEqual((await files.merge(NAME)).repaired, []);
});

test('a large entry that only one survivor has is fetched in pieces', async (t) => {
  const cluster = await Cluster.start(['a', 'b', 'c'], { limits: tiny });
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a', 'b', 'c']);
  const files = cluster.site('a').replicas.files();
  await files.create(NAME);
  await files.append(NAME, Buffer.from('first\n'));
  cluster.loses = ({ to, method }) => {
    return to === 'c' && (method === METHODS.piece || method === METHODS.copy);
  };
  const large = 'z'.repeat(10_000);
  files.append(NAME, Buffer.from(large)).catch(() => {});
  const b = cluster.site('b').files;
  await until(async () => (await b.openFile(NAME)).state.length > 6, { what: 'b to have it' });
  await cluster.kill('a');
  cluster.loses = () => false;
  cluster.keeper.set(['c', 'b']);
  t.is(await textOf(cluster.site('c').replicas.files().read(NAME)), `first\n${large}`);
});

test('a store that was called complete is waited for until the configuration changes', async (t) => {
  const cluster = await Cluster.start(['a', 'b']);
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a']);
  const files = cluster.site('a').replicas.files();
  await files.create(NAME);
  cluster.keeper.takesJoiners = false;
  cluster.keeper.set(['a'], ['b']);
  const { told } = cluster.site('a');
  const point = ringPointOf(NAME);
  await until(() => told.some((each) => each.point === point), { what: 'b to be complete' });
  cluster.cut('b');
  const append = files.append(NAME, Buffer.from('first\n'));
  t.true(await isPending(append), 'b may be a replica by now, and must not lack it');
  cluster.keeper.set(['a']);
  t.is((await append).length, 6);
});

test('a store that was called complete is not emptied when it is surveyed again', async (t) => {
  const cluster = await Cluster.start(['a', 'b']);
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a']);
  const files = cluster.site('a').replicas.files();
  await files.create(NAME);
  await files.append(NAME, Buffer.from('first\n'));
  cluster.keeper.takesJoiners = false;
  cluster.keeper.set(['a'], ['b']);
  const { told } = cluster.site('a');
  const point = ringPointOf(NAME);
  await until(() => told.some((each) => each.point === point), { what: 'b to be complete' });
  const disk = await cluster.kill('b');
  cluster.loses = ({ method }) => method === METHODS.copy;
  const asked = cluster.asked.length;
  const site = await cluster.restart('b', disk);
  files.append(NAME, Buffer.from('second\n')).catch(() => {});
  await until(() => cluster.asked.slice(asked).some(({ method }) => method === METHODS.copy), {
    what: 'b to be surveyed and sent to',
  });
  t.deepEqual(await site.files.list(), [NAME]);
});

test('a trim at the primary frees the copies too, and a later store begins there', async (t) => {
  const { cluster, text } = await segmented(t);
  const files = cluster.site('a').replicas.files();
  await files.trim(NAME, 2_500);
  const { trimmedTo } = await files.stat(NAME);
  t.true(trimmedTo > 0);
  const b = await cluster.site('b').files.openFile(NAME);
  await until(() => b.firstIndex > 0, { what: 'the copy to be trimmed' });
  cluster.keeper.set(['a', 'b']);
  await until(() => isEmpty(cluster, 'c'), { what: 'c to be empty' });
  cluster.keeper.set(['a', 'b'], ['c']);
  await until(() => configOf(cluster).replicas.includes('c'), { what: 'c to be a replica' });
  const { length, version } = await files.stat(NAME);
  const range = { from: trimmedTo, to: length, version };
  const copy = cluster.site('c').replicas.files().readCopy(NAME, range);
  t.is(await textOf(copy), text.slice(trimmedTo));
});

test('a longest copy that cannot be read is given up for the next one, which has what counts', async (t) => {
  const { cluster, text } = await segmented(t);
  cluster.loses = ({ to, method }) => to === 'c' && method === METHODS.copy;
  cluster
    .site('a')
    .replicas.files()
    .append(NAME, Buffer.from('tail\n'))
    .catch(() => {});
  const b = cluster.site('b').files;
  await until(async () => (await b.openFile(NAME)).state.length > text.length, { what: 'b first' });
  await cluster.kill('a');
  cluster.loses = () => false;
  const { disk } = cluster.site('b');
  for (const path of disk.paths('/data/hydfs/files')) {
    disk.flip(path, (disk.contents(path).length - 20) * 8);
  }
  cluster.keeper.set(['c', 'b']);
  const files = cluster.site('c').replicas.files();
  t.is((await files.stat(NAME)).length, text.length);
  t.deepEqual(cluster.site('c').told, [], 'and nobody is blamed for the disk of another');
});

test('a file whose only copy is damaged is not said to be missing', async (t) => {
  const { cluster } = await segmented(t);
  const disk = await cluster.kill('a');
  cluster.keeper.set(['a']);
  for (const path of disk.paths('/data/hydfs/files')) disk.flip(path, 30 * 8);
  const site = await cluster.restart('a', disk);
  await t.throwsAsync(site.replicas.files().stat(NAME), { code: 'LOG_CORRUPT' });
});
