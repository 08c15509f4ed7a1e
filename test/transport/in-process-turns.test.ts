import { readFile } from 'node:fs/promises';
import test from 'ava';
import { systemClock } from '../../src/core/index.ts';
import { dispatch, InProcessHub, InProcessTransport } from '../../src/transport/index.ts';
import type { Message } from '../../src/wire/index.ts';
import { connected, farId, inProcess, nearId } from './helpers/harness.ts';
import { Inbox } from './helpers/inbox.ts';

test('two nodes that never stop talking do not starve files and timers', async (t) => {
  const { near, far } = await connected(inProcess, t);
  let turns = 0;
  for (const side of [near, far]) {
    side.serve({
      message: (message) => {
        turns += 1;
        side.send(message);
      },
      closed: () => 'the test is over',
    });
  }
  near.send({ kind: 'end-ack', channel: 1 });
  const text = await readFile(import.meta.filename, 'utf8');
  await new Promise<void>((resolve) => {
    systemClock.timer(1, resolve);
  });
  t.true(text.length > 0 && turns > 0);
});

test('send never runs the peer on the stack of the sender', async (t) => {
  const { near, far } = await connected(inProcess, t);
  const inbox = Inbox.on(far);
  Inbox.on(near);
  await new Promise(setImmediate);
  near.send({ kind: 'end-ack', channel: 1 });
  t.is(inbox.messages.length, 0);
  await Promise.resolve();
  t.is(inbox.messages.length, 0);
  await inbox.until(1);
});

test('blocks are handed on, not copied', async (t) => {
  const { near, far } = await connected(inProcess, t);
  const block = new Uint8Array(100_000);
  const data = { kind: 'data' as const, channel: 1, fromEpoch: 1, toEpoch: 1, count: 1, block };
  near.send({ ...data, firstSeq: 1 });
  const [message] = await Inbox.on(far).until(1);
  t.is(message.kind === 'data' ? message.block : null, block);
});

test('bulk data is handed on, what is beside it is not', async (t) => {
  const { near, far } = await connected(inProcess, t);
  const data = [new Uint8Array(100_000)];
  const value = { list: [1] };
  near.send({ kind: 'item-data', id: 1, value, data });
  const [message] = await Inbox.on(far).until(1);
  t.is(message.kind === 'item-data' ? message.data[0] : null, data[0]);
  t.deepEqual(message.kind === 'item-data' ? message.value : null, value);
  t.not(message.kind === 'item-data' ? message.value : null, value);
});

test('a silence that ends lets everything through in order', async (t) => {
  const hub = new InProcessHub();
  const common = { hub, clock: systemClock };
  const b = new InProcessTransport({ ...common, identity: farId });
  const inbox = new Inbox();
  const listener = await b.listen('b', (connection) => connection.serve(inbox));
  const near = await new InProcessTransport({ ...common, identity: nearId }).connect('b');
  t.teardown(() => near.close());
  hub.silence('b', true);
  for (let channel = 0; channel < 5; channel++) near.send({ kind: 'end-ack', channel });
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  t.is(inbox.messages.length, 0);
  t.true(near.queuedBytes > 0);
  hub.silence('b', false);
  await inbox.until(5);
  t.is(near.queuedBytes, 0);
  await listener.close();
});

test('a connection with several uses gives each its messages', async (t) => {
  const { near, far } = await connected(inProcess, t);
  const taken: string[] = [];
  const use = (name: string, kind: Message['kind']) => ({
    receive: (message: Message) => message.kind === kind && taken.push(name) > 0,
    closed: () => taken.push(`${name} closed`),
  });
  dispatch(far, [use('a', 'ack'), use('b', 'end-ack')]);
  const inbox = Inbox.on(near);
  near.send({ kind: 'end-ack', channel: 1 });
  near.send({ kind: 'ack', channel: 1, toEpoch: 1, seq: 1, credit: 1 });
  near.send({ kind: 'fenced', channel: 1, newest: 1 });
  t.regex((await inbox.ended)?.message ?? '', /fenced is not expected here/);
  t.deepEqual(taken, ['b', 'a', 'a closed', 'b closed']);
});
