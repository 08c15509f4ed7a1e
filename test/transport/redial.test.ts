import test, { type ExecutionContext } from 'ava';
import { type Fault, isFault, seededRandom } from '../../src/core/index.ts';
import {
  type Connection,
  InProcessHub,
  InProcessTransport,
  Redial,
} from '../../src/transport/index.ts';
import { farId, nearId } from './helpers/harness.ts';
import { Inbox } from './helpers/inbox.ts';
import { ManualClock } from './helpers/manual-clock.ts';

const ADDRESS = 'far:1';

/** A node that dials and one that may listen, in virtual time. */
function setUp(t: ExecutionContext, { listening = false } = {}) {
  const clock = new ManualClock();
  const hub = new InProcessHub();
  const transport = new InProcessTransport({ hub, identity: nearId, clock });
  const far = new InProcessTransport({ hub, identity: farId, clock });
  const waits: number[] = [];
  const reasons: Fault[] = [];
  const inboxes: Inbox[] = [];
  const accepted: Connection[] = [];
  const listen = () =>
    far.listen(ADDRESS, (connection) => {
      accepted.push(connection);
      Inbox.on(connection);
    });
  if (listening) listen().catch(t.fail);
  const redial = new Redial({
    transport,
    address: ADDRESS,
    clock,
    random: seededRandom(5),
    serve: () => {
      const inbox = new Inbox();
      inboxes.push(inbox);
      return inbox;
    },
    failed: (reason, nextMs) => {
      reasons.push(reason);
      waits.push(nextMs);
    },
  });
  t.teardown(() => redial.close());
  return { clock, redial, waits, reasons, inboxes, accepted, listen };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('who cannot be reached is dialled at growing intervals, up to a bound', async (t) => {
  const { clock, redial, waits, reasons } = setUp(t);
  await settled();
  for (let i = 0; i < 11; i++) {
    clock.advance(waits[i]);
    await settled();
  }
  t.is(waits.length, 12);
  t.true(reasons.every((reason) => isFault(reason, 'PEER_UNREACHABLE')));
  waits.forEach((wait, i) => {
    const whole = Math.min(100 * 2 ** i, 5_000);
    t.true(wait >= whole / 2 && wait < whole, `${i}: ${wait}`);
  });
  t.true(new Set(waits.slice(6)).size > 3, 'no two nodes come back in step');
  t.is(redial.connection, null);
});

test('a peer that appears is connected to, and dialled again when it is lost', async (t) => {
  const { clock, redial, waits, reasons, inboxes, accepted, listen } = setUp(t);
  await settled();
  await listen();
  clock.advance(waits[0]);
  await settled();
  t.is(redial.connection?.peer, farId.node);
  accepted[0].send({ kind: 'end-ack', channel: 1 });
  t.deepEqual(await inboxes[0].until(1), [{ kind: 'end-ack', channel: 1 }]);
  accepted[0].close('it restarts');
  const reason = await inboxes[0].ended;
  t.true(isFault(reason, 'PEER_CLOSED'));
  t.true(reasons[1] === reason);
  t.is(redial.state, 'waiting');
  clock.advance(waits[1]);
  await settled();
  t.is(redial.state, 'connected');
  t.is(accepted.length, 2);
});

test('a peer that accepts and closes at once is not hammered', async (t) => {
  const { clock, waits, accepted } = setUp(t, { listening: true });
  await settled();
  for (let i = 0; i < 8; i++) {
    accepted[i].close();
    await settled();
    await settled();
    clock.advance(waits[i]);
    await settled();
  }
  t.true(waits[7] >= 2_500, String(waits));
  clock.advance(11_000);
  await settled();
  accepted[8].close();
  await settled();
  await settled();
  t.true(waits[8] < 100, 'after a connection that lasted the wait is small again');
});

test('a wait can be ended by who knows better', async (t) => {
  const { redial, accepted, listen } = setUp(t);
  await settled();
  await listen();
  t.is(redial.state, 'waiting');
  redial.wake();
  redial.wake();
  await settled();
  t.is(redial.state, 'connected');
  t.is(accepted.length, 1);
});

test('after a close nothing is dialled, nothing waits and nothing stays open', async (t) => {
  const waiting = setUp(t);
  await settled();
  waiting.redial.close();
  t.is(waiting.clock.pending, 0);
  waiting.redial.wake();
  t.is(waiting.redial.state, 'closed');

  const dialling = setUp(t, { listening: true });
  dialling.redial.close();
  await settled();
  await settled();
  t.is(dialling.redial.connection, null);
  t.is(dialling.inboxes.length, 0);

  const connected = setUp(t, { listening: true });
  await settled();
  connected.redial.close();
  t.is(await connected.inboxes[0].ended, null);
  await settled();
  t.is(connected.redial.state, 'closed');
  t.is(connected.waits.length, 0);
});
