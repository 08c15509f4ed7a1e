import test from 'ava';
import { isFault, type RequestLog } from '../../../src/core/index.ts';
import { ringPointOf } from '../../../src/plan/index.ts';
import { until } from '../../helpers/poll.ts';
import { textOf } from '../helpers.ts';
import { Cluster } from './cluster.ts';
import { configOf, copyAt, isPending, NAME } from './helpers.ts';

test('an append is at every replica when it is acknowledged', async (t) => {
  const cluster = await Cluster.start(['a', 'b', 'c']);
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a', 'b', 'c']);
  const files = cluster.site('a').replicas.files();
  await files.create('one.txt');
  const { length, version } = await files.append('one.txt', Buffer.from('hello\n'));
  t.is(length, 6);
  t.is(version, 1);
  t.is(await textOf(files.read('one.txt')), 'hello\n');
  for (const store of ['a', 'b', 'c']) {
    const copy = cluster
      .site(store)
      .replicas.files()
      .readCopy('one.txt', { from: 0, to: 6, version });
    t.is(await textOf(copy), 'hello\n');
  }
});

test('every replica notes each request when it has received it and when it is done', async (t) => {
  const notes: string[] = [];
  const requests: RequestLog = {
    received(method, { file, bytes }) {
      notes.push(`received ${method} ${file} ${bytes}`);
      return (result) => notes.push(`done ${method} ${file} ${result}`);
    },
  };
  const cluster = await Cluster.start(['a']);
  t.teardown(() => cluster.stop());
  await cluster.add('b', { requests });
  cluster.keeper.set(['a', 'b']);
  const files = cluster.site('a').replicas.files();
  await files.create(NAME);
  notes.length = 0;
  await files.append(NAME, Buffer.from('hello\n'));
  t.deepEqual(notes, [`received hydfs.copy ${NAME} 7`, `done hydfs.copy ${NAME} done`]);
  await files.remove(NAME);
  t.deepEqual(notes.slice(2), [
    `received hydfs.remove ${NAME} undefined`,
    `done hydfs.remove ${NAME} done`,
  ]);
});

test('a survivor of three has every acknowledged append and goes on', async (t) => {
  const cluster = await Cluster.start(['a', 'b', 'c']);
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a', 'b', 'c']);
  const files = cluster.site('a').replicas.files();
  await files.create('one.txt');
  const writer = await files.openWriter('one.txt', 'w', 1);
  let text = '';
  for (let seq = 1; seq <= 50; seq++) {
    text += `line ${seq}\n`;
    await writer.append({ seq, parts: [Buffer.from(`line ${seq}\n`)] });
  }
  await cluster.kill('a');
  await cluster.kill('b');
  cluster.keeper.set(['c']);
  const left = cluster.site('c').replicas.files();
  t.is(await textOf(left.read('one.txt')), text);
  const again = await left.openWriter('one.txt', 'w', 2);
  t.is(again.position.seq, 50);
  await again.append({ seq: 51, parts: [Buffer.from('end\n')] });
  t.is(await textOf(left.read('one.txt')), `${text}end\n`);
});

test('a joining store is filled while appends go on, and becomes a replica', async (t) => {
  const cluster = await Cluster.start(['a', 'b']);
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a']);
  const files = cluster.site('a').replicas.files();
  await files.create('one.txt');
  const writer = await files.openWriter('one.txt', 'w', 1);
  let seq = 0;
  const append = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      seq += 1;
      await writer.append({ seq, parts: [Buffer.alloc(1000, 65 + (seq % 26))] });
    }
  };
  await append(100);
  cluster.keeper.set(['a'], ['b']);
  await append(100);
  const { fileId } = await files.stat('one.txt');
  await until(() => cluster.keeper.configs.get(fileId)?.replicas.includes('b'), {
    what: 'the store to be a replica',
  });
  await append(10);
  const { length, version } = await files.stat('one.txt');
  t.is(length, 210_000);
  await cluster.kill('a');
  cluster.keeper.set(['b']);
  const left = cluster.site('b').replicas.files();
  t.is((await left.stat('one.txt')).length, 210_000);
  t.true((await left.stat('one.txt')).version > version);
});

test('a joining store counts only with all that may be acknowledged without it', async (t) => {
  const cluster = await Cluster.start(['a', 'b']);
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a']);
  const [a, b] = [cluster.site('a'), cluster.site('b')];
  const files = a.replicas.files();
  await files.create(NAME);
  await files.append(NAME, Buffer.from('one\n'));
  const gate = Promise.withResolvers<void>();
  t.teardown(gate.resolve);
  a.disk.gate = gate.promise;
  // It has its place, and nothing but the disk of `a` is between it and its acknowledgement.
  const last = files.append(NAME, Buffer.from('two\n'));
  cluster.keeper.set(['a'], ['b']);
  await until(async () => (await b.files.inventory(ringPointOf(NAME)))[0]?.nextIndex === 2, {
    what: 'the store to have what is durable',
  });
  await isPending(last, 200);
  t.false(a.told.some(({ point }) => point === ringPointOf(NAME)));
  a.disk.gate = null;
  gate.resolve();
  t.is((await last).length, 8);
  await until(async () => configOf(cluster).replicas.includes('b'), { what: 'its place' });
  t.is(await copyAt(cluster, 'b', await files.stat(NAME)), 'one\ntwo\n');
});

test('whoever comes while a file is being removed does not write to what is left of it', async (t) => {
  const cluster = await Cluster.start(['a']);
  t.teardown(() => cluster.stop());
  cluster.keeper.set(['a']);
  const files = cluster.site('a').replicas.files();
  for (let turns = 0; turns < 40; turns++) {
    await files.create(NAME);
    const removed = files.remove(NAME);
    for (let turn = 0; turn < turns; turn++) await null;
    const opened = await files.openWriter(NAME, 'w', 1).catch((error: unknown) => error);
    const refused = isFault(opened, 'FILE_MISSING') || isFault(opened, 'REPLICA_NOT_READY');
    t.true(refused || (opened instanceof Object && 'position' in opened), String(opened));
    await removed;
  }
});
