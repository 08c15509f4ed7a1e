/** A store that was started again takes no part before it knows what was decided meanwhile. */
import test from 'ava';
import { textOf } from '../helpers.ts';
import { Cluster } from './cluster.ts';

async function replacedWhileAway(known?: Promise<void>): Promise<Cluster> {
  const cluster = await Cluster.start(['a', 'b']);
  cluster.keeper.set(['a', 'b']);
  const before = new Map(cluster.keeper.configs);
  await cluster.site('a').replicas.files().create('one.txt');
  const disk = await cluster.kill('a');
  cluster.keeper.set(['b']);
  const files = cluster.site('b').replicas.files();
  await files.append('one.txt', Buffer.from('new\n'));
  const away = await cluster.kill('b');
  await cluster.restart('a', disk, { frozen: before, ...(known === undefined ? {} : { known }) });
  await cluster.restart('b', away, { frozen: before, ...(known === undefined ? {} : { known }) });
  return cluster;
}

test('two stores that were started again do not go on with what was decided before', async (t) => {
  const { promise: known, resolve } = Promise.withResolvers<void>();
  const cluster = await replacedWhileAway(known);
  t.teardown(() => cluster.stop());
  const [a, b] = ['a', 'b'].map((store) => cluster.site(store));
  await t.throwsAsync(a.replicas.files().append('one.txt', Buffer.from('old\n')), {
    code: 'REPLICA_NOT_READY',
  });
  for (const site of [a, b]) site.thaw();
  resolve();
  t.is(await textOf(b.replicas.files().read('one.txt')), 'new\n');
  await t.throwsAsync(a.replicas.files().append('one.txt', Buffer.from('old\n')), {
    code: 'NOT_PRIMARY',
  });
});

test('without that wait an old primary is obeyed, and the test would notice', async (t) => {
  const cluster = await replacedWhileAway();
  t.teardown(() => cluster.stop());
  await cluster.site('a').replicas.files().append('one.txt', Buffer.from('old\n'));
  t.pass();
});
