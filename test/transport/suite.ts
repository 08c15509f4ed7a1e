/**
 * What every transport does. The same assertions run over each of them.
 */
import test from 'ava';
import { fault, isFault } from '../../src/core/index.ts';
import type { Connection } from '../../src/transport/index.ts';
import { DATA_BLOCK_BYTES_MAX, type Data, type Message } from '../../src/wire/index.ts';
import { connected, farId, type Harness, nearId } from './helpers/harness.ts';
import { Inbox } from './helpers/inbox.ts';
import { ManualClock } from './helpers/manual-clock.ts';

const MIB = 1024 * 1024;

export function data(firstSeq: number, block: Uint8Array): Data {
  return { kind: 'data', channel: 1, fromEpoch: 1, toEpoch: 1, firstSeq, count: 1, block };
}

const ack = (seq: number): Message => ({ kind: 'ack', channel: 1, toEpoch: 1, seq, credit: 0 });
const item = (value: unknown): Message => ({ kind: 'item', id: 1, value });

/** Runs the suite over `harness`. */
export function transportSuite(harness: Harness): void {
  orderSuite(harness);
  pressureSuite(harness);
  endSuite(harness);
  addressSuite(harness);
}

function orderSuite(harness: Harness): void {
  const title = (claim: string): string => `${harness.name}: ${claim}`;

  test(title('messages arrive in the order sent, small among large'), async (t) => {
    const { near, far } = await connected(harness, t);
    const inbox = Inbox.on(far);
    Inbox.on(near);
    const sizes = [0, 10, 3000, 70_000, 300_000];
    for (let seq = 1; seq <= 2000; seq++) {
      near.send(seq % 50 === 0 ? data(seq, new Uint8Array(sizes[(seq / 50) % 5])) : ack(seq));
      if (seq % 100 === 0) await near.drained();
    }
    const seen = await inbox.until(2000);
    t.deepEqual(
      seen.map(seqOf),
      Array.from({ length: 2000 }, (_, i) => i + 1),
    );
  });

  test(title('blocks up to the largest arrive whole, both ways at once'), async (t) => {
    const { near, far } = await connected(harness, t);
    const inboxes = [Inbox.on(near), Inbox.on(far)];
    const block = new Uint8Array(16 * MIB).map((_, i) => (i * 31) >> 3);
    near.send(data(1, block));
    far.send(data(1, block));
    near.send(data(2, new Uint8Array(DATA_BLOCK_BYTES_MAX)));
    for (const inbox of inboxes) t.true(sameBlock((await inbox.until(1))[0], block));
    const [, largest] = await inboxes[1].until(2);
    t.is(largest.kind === 'data' ? largest.block.length : 0, DATA_BLOCK_BYTES_MAX);
  });

  test(title('each side knows who the other is'), async (t) => {
    const { near, far } = await connected(harness, t);
    t.is(near.peer, farId.node);
    t.deepEqual(near.remote, { node: farId.node, role: 'node', term: 9 });
    t.is(far.peer, nearId.node);
    t.deepEqual(far.remote, { node: nearId.node, role: 'client', term: 5 });
  });

  test(title('what was sent before the peer serves is kept'), async (t) => {
    const { near, far } = await connected(harness, t);
    far.send(ack(1));
    near.send(ack(2));
    Inbox.on(far)
      .until(1)
      .then(() => far.send(ack(3)), t.fail);
    t.deepEqual((await Inbox.on(near).until(2)).map(seqOf), [1, 3]);
  });

  test(title('the two sides share no object'), async (t) => {
    const { near, far } = await connected(harness, t);
    const value = { list: [1], gone: undefined };
    near.send(item(value));
    value.list.push(2);
    t.deepEqual(await Inbox.on(far).until(1), [item({ list: [1] })]);
  });

  test(title('a message that cannot be written down is refused by send'), async (t) => {
    const { near, far } = await connected(harness, t);
    const inbox = Inbox.on(far);
    for (const value of [() => 1, 'x'.repeat(MIB), new Map()])
      t.true(
        isFault(
          t.throws(() => near.send(item(value))),
          'WIRE_INVALID',
        ),
      );
    near.send(ack(1));
    t.deepEqual(await inbox.until(1), [ack(1)]);
  });
}

function pressureSuite(harness: Harness): void {
  const title = (claim: string): string => `${harness.name}: ${claim}`;

  test(title('a stopped reader bounds the queue of a sender that waits'), async (t) => {
    const { near, far } = await connected(harness, t, { limits: { highBytes: MIB } });
    const block = new Uint8Array(64 * 1024);
    const sent = fill(near, block);
    t.true(near.queuedBytes >= MIB && near.queuedBytes < MIB + 2 * block.length);
    const waiting = near.drained();
    t.not(waiting, null);
    const inbox = Inbox.on(far);
    await waiting;
    t.true(near.queuedBytes <= MIB / 4);
    await inbox.until(sent);
    t.is(near.drained(), null);
  });

  test(title('a sender that does not wait loses a peer that does not read'), async (t) => {
    const { near } = await connected(harness, t);
    const inbox = Inbox.on(near);
    const block = new Uint8Array(4 * MIB);
    for (let sent = 0; sent < 40; sent++) near.send(data(sent + 1, block));
    const reason = await inbox.ended;
    t.true(isFault(reason, 'PEER_SLOW'), String(reason));
    t.is(near.queuedBytes, 0);
  });

  test(title('who waits for a shorter queue is released by the end'), async (t) => {
    const { near } = await connected(harness, t);
    fill(near, new Uint8Array(MIB));
    const waiting = near.drained();
    t.not(waiting, null);
    near.close();
    await waiting;
    t.is(near.drained(), null);
  });
}

function endSuite(harness: Harness): void {
  const title = (claim: string): string => `${harness.name}: ${claim}`;

  test(title('a close comes after everything sent, and is told once to each side'), async (t) => {
    const { near, far } = await connected(harness, t);
    const inboxes = [Inbox.on(near), Inbox.on(far)];
    const block = new Uint8Array(3 * MIB);
    near.send(data(1, block));
    near.send(ack(2));
    near.close();
    near.close();
    near.send(ack(3));
    for (const inbox of inboxes) t.is(await inbox.ended, null);
    t.deepEqual(inboxes[1].messages.map(seqOf), [1, 2]);
    far.close();
    far.send(ack(4));
    await new Promise(setImmediate);
    t.deepEqual(
      inboxes.map(({ ends }) => ends),
      [1, 1],
    );
  });

  test(title('a close with a reason is a fault for the peer'), async (t) => {
    const { near, far } = await connected(harness, t);
    const inboxes = [Inbox.on(near), Inbox.on(far)];
    near.close('this node is leaving');
    t.is(await inboxes[0].ended, null);
    const reason = await inboxes[1].ended;
    t.true(isFault(reason, 'PEER_CLOSED'));
    t.is(reason?.message, `${nearId.node} closed the connection: this node is leaving`);
  });

  test(title('who serves after the end is told at once'), async (t) => {
    const { near, far } = await connected(harness, t);
    near.send(ack(1));
    near.close();
    t.is(await Inbox.on(near).ended, null);
    const late = Inbox.on(far);
    t.is(await late.ended, null);
    t.deepEqual(late.messages, [ack(1)]);
  });

  test(title('a fault of the handler ends that connection only'), async (t) => {
    const first = await connected(harness, t);
    const second = await connected(harness, t);
    const boom = fault('FENCED', { writer: 'w', name: 'n', epoch: 1, newest: 2 });
    const ended = Promise.withResolvers<unknown>();
    first.far.serve({
      message: () => {
        throw boom;
      },
      closed: ended.resolve,
    });
    const inbox = Inbox.on(first.near);
    first.near.send(ack(1));
    t.is(await ended.promise, boom);
    t.true(isFault(await inbox.ended, 'FENCED'));
    const other = Inbox.on(second.far);
    second.near.send(ack(2));
    t.deepEqual(await other.until(1), [ack(2)]);
  });

  test(title('a peer that has stopped is noticed by its silence'), async (t) => {
    const clock = new ManualClock();
    const near = await harness.halfOpen(t, { clock });
    const inbox = Inbox.on(near);
    clock.advance(9_999);
    await new Promise(setImmediate);
    t.is(inbox.ends, 0);
    clock.advance(1);
    const reason = await inbox.ended;
    t.true(isFault(reason, 'PEER_SILENT'), String(reason));
    t.regex(reason?.message ?? '', /has not answered for 10 s/);
    t.is(clock.pending, 0, 'a connection that has ended leaves no timer');
  });
}

function addressSuite(harness: Harness): void {
  const title = (claim: string): string => `${harness.name}: ${claim}`;

  test(title('an address that is taken is refused, and free after a close'), async (t) => {
    const [a, b] = harness.nodes(t);
    const accept = (connection: Connection): void => connection.close();
    const first = await a.listen(harness.address(t), accept);
    const error = await t.throwsAsync(b.listen(first.address, accept));
    t.true(isFault(error, 'PORT_IN_USE'), String(error));
    t.true(error?.message.includes(first.address));
    await first.close();
    const second = await b.listen(first.address, accept);
    t.is(second.address, first.address);
    await second.close();
  });

  test(title('nobody at an address is a fault that names it'), async (t) => {
    const [a, b] = harness.nodes(t);
    const listener = await b.listen(harness.address(t), (connection) => connection.close());
    await listener.close();
    const error = await t.throwsAsync(a.connect(listener.address));
    t.true(isFault(error, 'PEER_UNREACHABLE'), String(error));
    t.true(error?.message.includes(listener.address));
  });

  test(title('an attempt to connect can be given up before it starts'), async (t) => {
    const [a, b] = harness.nodes(t);
    const listener = await b.listen(harness.address(t), () => t.fail());
    t.teardown(() => listener.close());
    const reason = new Error('enough');
    const attempt = a.connect(listener.address, AbortSignal.abort(reason));
    t.is(await t.throwsAsync(attempt), reason);
  });

  test(title('connections outlive the listener that accepted them'), async (t) => {
    const [a, b] = harness.nodes(t);
    const accepted = Promise.withResolvers<Connection>();
    const listener = await b.listen(harness.address(t), accepted.resolve);
    const near = await a.connect(listener.address);
    const inbox = Inbox.on(await accepted.promise);
    await listener.close();
    near.send(ack(1));
    t.deepEqual(await inbox.until(1), [ack(1)]);
    near.close();
    t.is(await inbox.ended, null);
  });
}

/** Sends until the connection asks to wait; the number of blocks sent. */
function fill(connection: Connection, block: Uint8Array): number {
  let sent = 0;
  while (connection.drained() === null && sent < 1000) connection.send(data(++sent, block));
  return sent;
}

function seqOf(message: Message): number {
  if (message.kind === 'data') return message.firstSeq;
  return message.kind === 'ack' ? message.seq : Number.NaN;
}

function sameBlock(message: Message, block: Uint8Array): boolean {
  return message.kind === 'data' && Buffer.compare(message.block, block) === 0;
}
