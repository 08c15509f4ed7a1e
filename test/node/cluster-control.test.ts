import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { seededRandom, silentLog } from '../../src/core/index.ts';
import type { MemberEvent, MembershipListener, MemberView } from '../../src/membership/index.ts';
import { ClusterControl } from '../../src/node/cluster-control.ts';
import {
  dispatch,
  type Identity,
  InProcessHub,
  InProcessTransport,
  RpcServer,
  unary,
} from '../../src/transport/index.ts';
import { until } from '../helpers/poll.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { ManualClock } from '../transport/helpers/manual-clock.ts';

const OTHER = { address: 'h2:1', id: 'h2:1#b', boot: 'b' } as const;

/** Says what it is told to, when it is told to. */
class ToldMembership {
  readonly #listeners = new Set<MembershipListener>();
  #members: readonly MemberView[] = [];

  members(): MemberView[] {
    return [...this.#members];
  }

  subscribe(listener: MembershipListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(status: MemberView['status'], event: MemberEvent): void {
    const figures = { load: null, incarnation: 1, isSelf: false };
    this.#members = [{ ...OTHER, ...figures, status } as MemberView];
    for (const listener of this.#listeners) listener(event);
  }
}

/** The control of a node that leads alone, and what membership tells it; time stands still after. */
async function leading(t: ExecutionContext, membership: ToldMembership): Promise<ClusterControl> {
  const clock = new ManualClock();
  const hub = new InProcessHub();
  const transportOf = (node: string): InProcessTransport => {
    const identity: Identity = { node, role: 'node', term: () => 0 };
    return new InProcessTransport({ hub, identity, clock });
  };
  const told = { voter: 'v2', node: OTHER.id, cores: 1, store: 'b'.repeat(32) };
  const methods = { 'cluster.introduce': unary(z.strictObject({}), async () => told) };
  const listener = await transportOf(OTHER.id).listen(OTHER.address, (connection) =>
    dispatch(connection, [new RpcServer(connection, methods, silentLog)]),
  );
  const control = await ClusterControl.open({
    dir: tmpDir(t),
    sync: 'os',
    address: 'h1:1',
    nodeId: 'h1:1#a',
    cores: 1,
    store: 'a'.repeat(32),
    first: true,
    voters: 1,
    transport: transportOf('h1:1#a'),
    membership,
    clock,
    random: seededRandom(1),
    log: silentLog,
  });
  t.teardown(async () => {
    await control.close();
    await listener.close();
  });
  while (control.row().role !== 'leader') {
    clock.advance(10);
    await setImmediate();
  }
  return control;
}

test('who comes and who dies is decided when membership tells it, without a time that passes', async (t) => {
  const membership = new ToldMembership();
  const control = await leading(t, membership);
  const node = { address: OTHER.address, boot: OTHER.boot, incarnation: 1 };
  membership.tell('alive', { kind: 'joined', node });
  await until(() => control.state.nodes.has(OTHER.id), { what: 'the node to be admitted' });
  membership.tell('dead', { kind: 'dead', node, cause: 'unanswered' });
  await until(() => !control.state.nodes.has(OTHER.id), { what: 'the node to be removed' });
  t.false(control.state.nodes.has(OTHER.id));
});
