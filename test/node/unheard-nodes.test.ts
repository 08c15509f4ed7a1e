/** Nodes that a leader has never heard of, under a clock that moves when told. */
import { join } from 'node:path';
import test from 'ava';
import { seededRandom, silentLog } from '../../src/core/index.ts';
import type { MemberView } from '../../src/membership/index.ts';
import { ClusterControl } from '../../src/node/cluster-control.ts';
import { InProcessHub, InProcessTransport } from '../../src/transport/index.ts';
import { until } from '../helpers/poll.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { ManualClock } from '../transport/helpers/manual-clock.ts';

function member(name: string, status: MemberView['status'], isSelf = false): MemberView {
  const address = `${name}:1`;
  return { id: `${address}#x`, address, boot: 'x', incarnation: 1, status, isSelf, load: null };
}

test('who is not listed at a new leader is removed after half a minute, who is dead at once', async (t) => {
  const clock = new ManualClock();
  const transport = new InProcessTransport({
    hub: new InProcessHub(),
    identity: { node: 'self:1#x', role: 'node', term: () => 0 },
    clock,
  });
  const self = member('self', 'alive', true);
  const members = [self];
  const control = await ClusterControl.open({
    dir: join(tmpDir(t), 'control'),
    sync: 'os',
    address: self.address,
    nodeId: self.id,
    cores: 1,
    store: 'own',
    first: true,
    voters: 1,
    transport,
    membership: { members: () => members, subscribe: () => () => undefined },
    clock,
    random: seededRandom(1),
    log: silentLog,
  });
  t.teardown(() => control.close());
  /** Time passes, a little for each look, until `done`. */
  const passUntil = (what: string, done: () => boolean): Promise<unknown> =>
    until(
      () => {
        clock.advance(10);
        return done();
      },
      { what, deadlineMs: 20_000 },
    );
  await passUntil('it to lead', () => control.row().role === 'leader');
  const led = clock.now();
  for (const name of ['silent', 'dead']) {
    const { id, address } = member(name, 'alive');
    const { term } = control.log;
    await control.propose({ kind: 'node-admit', term, node: id, address, cores: 1, at: 0 });
  }
  const has = (name: string): boolean => control.state.nodes.has(`${name}:1#x`);
  members.push(member('dead', 'dead'));
  await passUntil('the dead one to be removed', () => !has('dead'));
  t.true(has('silent') && clock.now() - led < 20_000);

  clock.advance(led + 29_500 - clock.now());
  await control.log.read();
  t.true(has('silent'), 'machines do not come back in the same second');
  await passUntil('the silent one to be removed', () => !has('silent'));
  t.true(clock.now() - led >= 30_000);
  t.true(has('self'));
});
