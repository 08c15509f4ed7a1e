/** Nodes that lose datagrams. The long run, with a busy machine, is `npm run soak:membership`. */
import test from 'ava';
import { sleep, systemClock } from '../../src/core/index.ts';
import { until } from '../helpers/poll.ts';
import { Cluster } from './cluster.ts';
import { Accusations, accusations } from './watch.ts';

const WATCHED_MS = 8000;

test('nodes that lose every twentieth datagram declare nobody dead', async (t) => {
  const cluster = await Cluster.make(['--drop-rate', '0.05']);
  try {
    await cluster.grow(5);
    const watch = new Accusations(cluster.nodes);
    await sleep(systemClock, WATCHED_MS);
    t.deepEqual(watch.deaths(), []);
    t.log(`${watch.suspicions()} suspicions, all of them withdrawn`);
    await cluster.complete();
    const victim = cluster.nodes[4];
    await victim.kill();
    await cluster.complete();
    await until(() => watch.deaths().length === 4, { what: 'the watch to see a real death' });
  } finally {
    await cluster.close();
  }
});

test('what counts as an accusation', (t) => {
  const text = [
    '127.0.0.1:1#ab is suspected',
    'warning: 127.0.0.1:1#ab is taken for dead: it does not answer',
    '127.0.0.1:1#ab joined',
  ].join('\n');
  t.deepEqual(accusations(text), {
    deaths: ['127.0.0.1:1#ab'],
    suspicions: ['127.0.0.1:1#ab'],
  });
});
