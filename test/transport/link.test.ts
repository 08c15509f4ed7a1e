import test from 'ava';
import { AssertionFailure, isFault } from '../../src/core/index.ts';
import { limitsWith } from '../../src/transport/limits.ts';
import { type Carrier, Link } from '../../src/transport/link.ts';
import type { Message } from '../../src/wire/index.ts';
import { Inbox } from './helpers/inbox.ts';
import { ManualClock } from './helpers/manual-clock.ts';

class Script implements Carrier {
  readonly said: Message[] = [];
  readonly did: string[] = [];
  queuedBytes = 0;

  send(message: Message): void {
    this.said.push(message);
  }

  resume(): void {
    this.did.push('resume');
  }

  end(): void {
    this.did.push('end');
  }

  destroy(): void {
    this.did.push('destroy');
  }
}

function setUp() {
  const clock = new ManualClock();
  const carrier = new Script();
  const remote = { node: 'peer', role: 'node' as const, term: 1 };
  const link = new Link({ carrier, remote, self: 'self', clock, limits: limitsWith() });
  return { clock, carrier, link };
}

const pings = (messages: readonly Message[]): number =>
  messages.filter(({ kind }) => kind === 'ping').length;

test('a quiet peer that answers pings is kept', (t) => {
  const { clock, carrier, link } = setUp();
  const inbox = Inbox.on(link);
  for (let minute = 0; minute < 30; minute++) {
    clock.advance(2_000);
    link.received({ kind: 'pong', n: minute });
  }
  t.is(inbox.ends, 0);
  t.true(pings(carrier.said) >= 25);
  t.deepEqual(inbox.messages, []);
});

test('a peer that sends is not asked for a sign of life', (t) => {
  const { clock, carrier, link } = setUp();
  const inbox = Inbox.on(link);
  for (let i = 0; i < 50; i++) {
    clock.advance(500);
    link.received({ kind: 'end-ack', channel: i });
  }
  t.is(pings(carrier.said), 0);
  t.is(inbox.messages.length, 50);
});

test('half a message counts as a sign of life', async (t) => {
  const { clock, link } = setUp();
  const inbox = Inbox.on(link);
  for (let i = 0; i < 20; i++) {
    clock.advance(1_900);
    link.heard();
  }
  t.is(inbox.ends, 0);
  clock.advance(12_000);
  t.true(isFault(await inbox.ended, 'PEER_SILENT'));
});

test('a peer is not blamed for the time this process was stopped', async (t) => {
  const { clock, carrier, link } = setUp();
  const inbox = Inbox.on(link);
  clock.advance(1_000);
  clock.stall(60_000);
  t.is(inbox.ends, 0);
  clock.advance(9_000);
  t.is(inbox.ends, 0);
  t.true(pings(carrier.said) > 0);
  clock.advance(3_000);
  t.true(isFault(await inbox.ended, 'PEER_SILENT'));
  t.is(carrier.did.at(-1), 'destroy');
});

test('a ping is answered and not delivered', (t) => {
  const { carrier, link } = setUp();
  const inbox = Inbox.on(link);
  link.received({ kind: 'ping', n: 77 });
  t.deepEqual(carrier.said, [{ kind: 'pong', n: 77 }]);
  t.deepEqual(inbox.messages, []);
});

test('nothing is read before the connection is served, and it is served once', async (t) => {
  const { carrier, link } = setUp();
  await Promise.resolve();
  t.deepEqual(carrier.did, []);
  const inbox = Inbox.on(link);
  await Promise.resolve();
  t.deepEqual(carrier.did, ['resume']);
  t.throws(() => Inbox.on(link), { instanceOf: AssertionFailure });
  t.is(inbox.ends, 0);
});

test('after the end nothing is delivered or sent', async (t) => {
  const { carrier, link } = setUp();
  const inbox = Inbox.on(link);
  link.close('done');
  link.received({ kind: 'end-ack', channel: 1 });
  link.send({ kind: 'end-ack', channel: 2 });
  link.lost('late news');
  t.is(await inbox.ended, null);
  t.deepEqual(inbox.messages, []);
  t.deepEqual(
    carrier.said.map(({ kind }) => kind),
    ['goodbye'],
  );
  t.is(inbox.ends, 1);
});

test('a bug in a handler is not taken for a fault of the peer', (t) => {
  const { link } = setUp();
  link.serve({
    message: () => {
      throw new AssertionFailure('a bug');
    },
    closed: () => t.fail(),
  });
  t.throws(() => link.received({ kind: 'end-ack', channel: 1 }), { instanceOf: AssertionFailure });
});
