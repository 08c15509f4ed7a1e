/** Who may take the place of whom among the channels into a task, and who is asked how often. */
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { silentLog, systemClock } from '../../src/core/index.ts';
import type { Connection } from '../../src/transport/index.ts';
import { InProcessHub, InProcessTransport } from '../../src/transport/index.ts';
import type { ChannelOpen, Data, Message } from '../../src/wire/index.ts';
import { ChannelHub, type ChannelMessage, STARTING_MS } from '../../src/worker/channel-hub.ts';
import { Inbox } from '../../src/worker/inbox.ts';
import { ChannelPort } from '../../src/worker/output-port.ts';
import { Peers } from '../../src/worker/peers.ts';
import { ManualClock } from '../transport/helpers/manual-clock.ts';

/** A connection of which only what is sent matters. */
function peer(name: string): Connection & { readonly said: Message[] } {
  const said: Message[] = [];
  return {
    said,
    peer: name,
    remote: { node: name, role: 'node', term: 0 },
    queuedBytes: 0,
    send: (message) => void said.push(message),
    drained: () => null,
    serve: () => {},
    close: () => {},
  };
}

function hubWith(inbox: Inbox): ChannelHub {
  const identity = { node: 'here#1', role: 'node', term: () => 0 } as const;
  const transport = new InProcessTransport({
    hub: new InProcessHub(),
    identity,
    clock: systemClock,
  });
  const peers = new Peers({ transport, receiver: () => ({ receive: () => false, closed() {} }) });
  return new ChannelHub({
    peers,
    clock: systemClock,
    log: silentLog,
    consumer: () => ({ kind: 'ready', inbox, epoch: 1, producer: 0 }),
    route: () => null,
  });
}

function open(fromEpoch: number): ChannelOpen {
  const of = { job: 'j', fromStage: 0, fromIndex: 0, toStage: 1, toIndex: 0 };
  return { kind: 'channel-open', channel: 1, fromEpoch, ...of };
}

function data(fromEpoch: number, firstSeq: number): Data {
  const block = new Uint8Array(10);
  return { kind: 'data', channel: 1, fromEpoch, toEpoch: 1, firstSeq, count: 1, block };
}

test('an attempt that was replaced and comes back does not take the channel of its successor', (t) => {
  const inbox = new Inbox({
    watermarks: [0],
    ended: [false],
    restartOnNewEpoch: false,
    arrived: () => {},
    broken: (error) => t.fail(String(error)),
  });
  const hub = hubWith(inbox);
  const [successor, zombie] = [peer('new#1'), peer('old#1')];
  hub.receive(successor, open(2));
  hub.receive(successor, data(2, 1));
  hub.receive(zombie, open(1));
  t.deepEqual(
    zombie.said.map(({ kind }) => kind),
    ['fenced'],
  );
  hub.receive(successor, data(2, 2));
  t.is(inbox.take(10)?.tuples, 2, 'what the successor sent afterwards was lost');
  hub.receive(zombie, data(1, 3));
  t.is(inbox.take(10), null);
});

test('an attempt hears what was taken in from the one before it, durable or not', (t) => {
  const inbox = new Inbox({
    watermarks: [0],
    ended: [false],
    restartOnNewEpoch: false,
    arrived: () => {},
    broken: (error) => t.fail(String(error)),
  });
  const hub = hubWith(inbox);
  const [first, second] = [peer('old#1'), peer('new#1')];
  hub.receive(first, open(1));
  hub.receive(first, data(1, 1));
  hub.receive(second, open(2));
  t.deepEqual(
    first.said.map(({ kind }) => kind),
    ['channel-ready'],
    'nothing was taken in',
  );
  t.deepEqual(second.said[0], { kind: 'channel-taken', channel: 1, toEpoch: 1, seq: 1 });
  t.like(second.said[1], { kind: 'channel-ready', watermark: 0 });
});

test('a consumer that starts is asked again soon, however long it takes', async (t) => {
  const hub = new InProcessHub();
  const clock = new ManualClock();
  const transportOf = (node: string): InProcessTransport =>
    new InProcessTransport({ hub, identity: { node, role: 'node', term: () => 0 }, clock });
  let asked = 0;
  const listener = await transportOf('there#1').listen('there', (connection) =>
    connection.serve({
      message: (message) => {
        if (message.kind !== 'channel-open') return;
        asked += 1;
        const { channel, fromEpoch: newest } = message;
        connection.send({ kind: 'channel-refused', channel, reason: 'busy', newest });
      },
      closed: () => {},
    }),
  );
  const peers = new Peers({
    transport: transportOf('here#1'),
    receiver: (connection) => ({
      receive: (message) => {
        channels.receive(connection, message as ChannelMessage);
        return true;
      },
      closed: () => {},
    }),
  });
  const channels: ChannelHub = new ChannelHub({
    peers,
    clock,
    log: silentLog,
    consumer: () => ({ kind: 'unknown' }),
    route: () => ({ address: 'there' }),
  });
  const port = new ChannelPort({
    toStage: 1,
    toIndex: 0,
    deliveredSeq: 0,
    placedSeq: 0,
    consumerRemembers: true,
    events: { progressed: () => {}, broken: (error) => t.fail(String(error)) },
  });
  channels.connect({ job: 'j', stage: 0, index: 0, epoch: 1 }, port);
  while (asked === 0) await setImmediate();
  const looks = 100;
  for (let look = 0; look < looks; look++) {
    clock.advance(STARTING_MS);
    for (let turn = 0; turn < 10; turn++) await setImmediate();
  }
  t.true(asked > looks / 2, `asked ${asked} times in ${looks * STARTING_MS} ms`);
  port.close();
  await peers.close();
  await listener.close();
});
