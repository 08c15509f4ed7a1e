import test from 'ava';
import { until } from '../../helpers/poll.ts';
import { textOf } from '../helpers.ts';
import { Cluster } from './cluster.ts';

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
