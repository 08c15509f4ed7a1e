/** The network in which links are cut, tested itself: whole, cut one way, cut off, healed. */
import { join } from 'node:path';
import { until } from '../helpers/poll.ts';
import { testUnless } from '../helpers/skip.ts';
import { Cluster, every, LONG_MS } from './cluster.ts';
import { Network, networkMissing } from './network.ts';

testUnless(
  networkMissing(),
  'a node that is cut off is dead to the others, and back when healed',
  async (t) => {
    const network = Network.make(4);
    let cluster: Cluster | null = null;
    try {
      const keyed = await Cluster.make([], network);
      cluster = keyed;
      const key = join(keyed.dir, 'cluster.key');
      t.is((await keyed.run(['keygen', key])).code, 0);
      await keyed.grow(4, { flags: ['--key-file', key] });
      t.is(network.dropped(), 0);
      const [first, ...others] = keyed.nodes.slice(1).concat(keyed.nodes[0]);
      const place = 2;
      network.isolate(place);
      const lost = await first.id();
      await every(others, async (node) => (await node.listed('dead')).includes(lost), 'a death');
      t.true(network.dropped() > 0, 'no packet was dropped');
      network.heal();
      await keyed.complete();
      network.cut(3, 1);
      await until(() => network.dropped() > 0, {
        what: 'a packet on the cut link',
        deadlineMs: LONG_MS,
      });
      t.pass();
    } finally {
      await cluster?.close();
      network.close();
    }
  },
);
