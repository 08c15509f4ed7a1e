/**
 * Requests and streams, over every transport.
 */
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { bytesIn, fault, inOnePiece, isFault } from '../../src/core/index.ts';
import {
  Bulk,
  openRpc,
  type RpcClient,
  type RpcMethods,
  serveRpc,
  streaming,
  unary,
} from '../../src/transport/index.ts';
import { connected, farId, type Harness, type Pair } from './helpers/harness.ts';

interface Rpc extends Pair {
  readonly client: RpcClient;
}

const forever = unary(z.unknown(), (_, signal) => {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason));
  return promise;
});
const upTo = streaming(z.int(), async function* (count) {
  for (let i = 0; i < count; i++) yield i;
});

/** Runs the suite over `harness`. */
export function rpcSuite(harness: Harness): void {
  callSuite(harness);
  streamSuite(harness);
  bulkSuite(harness);
}

async function rpc(harness: Harness, t: ExecutionContext, methods: RpcMethods): Promise<Rpc> {
  const pair = await connected(harness, t);
  serveRpc(pair.far, methods);
  return { ...pair, client: openRpc(pair.near) };
}

function callSuite(harness: Harness): void {
  const title = (claim: string): string => `${harness.name}: ${claim}`;

  test(title('requests are answered, out of order if need be'), async (t) => {
    const gate = Promise.withResolvers<void>();
    const slow = unary(z.string(), async (text) => gate.promise.then(() => `slow ${text}`));
    const quick = unary(z.string(), async (text) => {
      gate.resolve();
      return { text, bytes: new Uint8Array([1, 2]) };
    });
    const { client } = await rpc(harness, t, { slow, quick });
    const first = client.call('slow', 'a');
    const second = await client.call('quick', 'b');
    t.like(second, { text: 'b' });
    t.is(await first, 'slow a');
  });

  test(title('a fault of a method is thrown to the asker, with its code'), async (t) => {
    const fenced = unary(z.unknown(), async () => {
      throw fault('FENCED', { writer: 'w', name: 'n', epoch: 1, newest: 2 });
    });
    const bug = unary(z.unknown(), async () => JSON.parse('{'));
    const { client } = await rpc(harness, t, { fenced, bug, upTo });
    const expected: readonly (readonly [string, string])[] = [
      ['fenced', 'FENCED'],
      ['bug', 'REMOTE_FAILED'],
      ['nothing', 'REQUEST_UNKNOWN'],
      ['constructor', 'REQUEST_UNKNOWN'],
      ['upTo', 'REQUEST_INVALID'],
    ];
    for (const [method, code] of expected) {
      const error = await t.throwsAsync(client.call(method, 3));
      t.true(isFault(error) && error.code === code, `${method}: ${error}`);
    }
  });

  test(title('params are checked before the method sees them'), async (t) => {
    let ran = 0;
    const sum = unary(z.object({ a: z.int(), b: z.int() }), async ({ a, b }) => {
      ran += 1;
      return a + b;
    });
    const { client } = await rpc(harness, t, { sum });
    const error = await t.throwsAsync(client.call('sum', { a: 1, b: 'x' }));
    t.true(isFault(error, 'REQUEST_INVALID'));
    t.regex(error?.message ?? '', /the request sum is not valid \(params\.b: /);
    t.is(await client.call('sum', { a: 1, b: 2 }), 3);
    t.is(ran, 1);
  });

  test(title('an answer too large to travel is a failure, not a silence'), async (t) => {
    const large = unary(z.int(), async (size) => new Uint8Array(size));
    const { client } = await rpc(harness, t, { large });
    const error = await t.throwsAsync(client.call('large', 2 ** 20));
    t.true(isFault(error, 'WIRE_INVALID'), String(error));
    t.is(Reflect.get(Object(await client.call('large', 1000)), 'length'), 1000);
  });

  test(title('an aborted request rejects at once and stops the method'), async (t) => {
    const stopped = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const wait = unary(z.unknown(), (_, signal) => {
      started.resolve();
      signal.addEventListener('abort', () => stopped.resolve());
      return new Promise(() => 'never settles');
    });
    const { client } = await rpc(harness, t, { wait });
    const controller = new AbortController();
    const call = client.call('wait', null, controller.signal);
    await started.promise;
    const reason = new Error('changed my mind');
    controller.abort(reason);
    t.is(await t.throwsAsync(call), reason);
    await stopped.promise;
  });

  test(title('the end of the connection ends every request, on both sides'), async (t) => {
    const stopped = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const wait = unary(z.unknown(), (_, signal) => {
      started.resolve();
      signal.addEventListener('abort', () => stopped.resolve());
      return new Promise(() => 'never settles');
    });
    const { client, far } = await rpc(harness, t, { wait });
    const calls = [client.call('wait', 1), client.call('wait', 2), client.stream('wait', 3).next()];
    const outcomes = Promise.allSettled(calls);
    await started.promise;
    far.close('leaving');
    for (const outcome of await outcomes)
      t.true(outcome.status === 'rejected' && isFault(outcome.reason));
    await stopped.promise;
    const late = await t.throwsAsync(client.call('wait', 4));
    t.true(isFault(late, 'PEER_CLOSED'));
    t.true(late?.message.startsWith(farId.node));
  });

  test(title('open requests are bounded'), async (t) => {
    const { client, near } = await rpc(harness, t, { forever });
    const calls = Array.from({ length: 1024 }, () => client.call('forever', null));
    const all = Promise.allSettled(calls);
    const error = await t.throwsAsync(client.call('forever', null));
    t.true(isFault(error, 'REQUESTS_TOO_MANY'));
    near.close();
    t.is((await all).length, 1024);
  });
}

function streamSuite(harness: Harness): void {
  const title = (claim: string): string => `${harness.name}: ${claim}`;

  test(title('a stream gives every item, then ends'), async (t) => {
    const { client } = await rpc(harness, t, { upTo });
    for (const count of [0, 1, 31, 32, 33, 500]) {
      const items: unknown[] = [];
      for await (const value of client.stream('upTo', count)) items.push(value);
      t.deepEqual(
        items,
        Array.from({ length: count }, (_, i) => i),
      );
    }
  });

  test(title('a slow reader bounds what the method produces'), async (t) => {
    let produced = 0;
    const endless = streaming(z.unknown(), async function* () {
      for (;;) yield produced++;
    });
    const { client } = await rpc(harness, t, { endless, echo: unary(z.int(), async (n) => n) });
    let read = 0;
    for await (const value of client.stream('endless', null)) {
      t.is(value, read);
      read += 1;
      // an answer comes after every item that was allowed before it
      if (read % 50 === 0) await client.call('echo', read);
      t.true(produced <= read + 40, `${produced} produced, ${read} read`);
      if (read === 300) break;
    }
    t.is(read, 300);
  });

  test(title('leaving a stream stops its method'), async (t) => {
    const stopped = Promise.withResolvers<string>();
    const endless = streaming(z.unknown(), async function* (_, signal) {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        stopped.resolve(signal.aborted ? 'aborted' : 'ended');
      }
    });
    const { client } = await rpc(harness, t, { endless });
    for await (const value of client.stream('endless', null)) if (value === 100) break;
    t.is(await stopped.promise, 'aborted');
  });

  test(title('an aborted stream throws the reason'), async (t) => {
    const quiet = streaming(z.unknown(), async function* (_, signal) {
      yield 1;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    const { client } = await rpc(harness, t, { quiet });
    const controller = new AbortController();
    const stream = client.stream('quiet', null, controller.signal);
    t.is((await stream.next()).value, 1);
    const next = stream.next();
    const reason = new Error('enough');
    controller.abort(reason);
    t.is(await t.throwsAsync(next), reason);
  });

  test(title('a fault after some items comes after them'), async (t) => {
    const breaks = streaming(z.int(), async function* (count) {
      for (let i = 0; i < count; i++) yield i;
      throw fault('DISK_FULL', { path: '/x' });
    });
    const { client } = await rpc(harness, t, { breaks });
    const seen: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const value of client.stream('breaks', 40)) seen.push(value);
    };
    t.true(isFault(await t.throwsAsync(read()), 'DISK_FULL'));
    t.is(seen.length, 40);
  });
}

const MIB = 1024 * 1024;

function bulkSuite(harness: Harness): void {
  const title = (claim: string): string => `${harness.name}: ${claim}`;
  const filled = (bytes: number, value: number): Uint8Array => new Uint8Array(bytes).fill(value);
  const size = unary(z.unknown(), async (params, _, data) => ({ params, size: bytesIn(data) }));

  test(title('bytes beside params, results and items arrive as they were'), async (t) => {
    const turned = unary(z.string(), async (text, _, data) => {
      const bytes = inOnePiece(data);
      return new Bulk(text.length, [bytes.subarray(1), bytes.subarray(0, 1)]);
    });
    const pieces = streaming(z.int(), async function* (count, _, data) {
      t.is(data.length, 0);
      for (let i = 0; i < count; i++) yield i % 2 === 0 ? new Bulk(i, [filled(i * 1000, i)]) : i;
    });
    const { client } = await rpc(harness, t, { turned, pieces, size });
    const data = [filled(2 * MIB, 1), filled(3, 2), new Uint8Array(0), filled(MIB, 3)];
    const answer = await client.call('turned', 'four', undefined, data);
    t.true(answer instanceof Bulk);
    if (!(answer instanceof Bulk)) return;
    t.is(answer.value, 4);
    const sent = Buffer.concat(data);
    t.is(Buffer.compare(answer.data, Buffer.concat([sent.subarray(1), sent.subarray(0, 1)])), 0);
    let seen = 0;
    for await (const item of client.stream('pieces', 100)) {
      const bulk = item instanceof Bulk;
      t.is(bulk ? item.value : item, seen);
      t.is(bulk, seen % 2 === 0);
      if (bulk) t.is(Buffer.compare(item.data, filled(seen * 1000, seen)), 0);
      seen += 1;
    }
    t.is(seen, 100);
    t.deepEqual(await client.call('size', 'x'), { params: 'x', size: 0 });
    t.deepEqual(await client.call('size', 'x', undefined, [filled(0, 0)]), {
      params: 'x',
      size: 0,
    });
  });

  test(title('any number of large requests wait for each other and go in order'), async (t) => {
    const order: number[] = [];
    const note = unary(z.int(), async (n, _, data) => {
      order.push(n);
      return bytesIn(data);
    });
    const { client } = await rpc(harness, t, { note });
    const data = [filled(2 * MIB, 1)];
    // together more than a connection may have in its queue
    const calls = Array.from({ length: 40 }, (_, n) => client.call('note', n, undefined, data));
    t.true((await Promise.all(calls)).every((bytes) => bytes === 2 * MIB));
    t.deepEqual(
      order,
      Array.from({ length: 40 }, (_, n) => n),
    );
  });

  test(title('any number of large answers wait for each other'), async (t) => {
    const large = unary(z.unknown(), async () => new Bulk(null, [filled(2 * MIB, 1)]));
    const larger = streaming(z.unknown(), async function* () {
      yield new Bulk(null, [filled(2 * MIB, 1)]);
    });
    const { client } = await rpc(harness, t, { large, larger });
    const calls = Array.from({ length: 20 }, () => client.call('large', null));
    const streams = Array.from({ length: 20 }, () => client.stream('larger', null).next());
    for (const answer of await Promise.all(calls))
      t.true(answer instanceof Bulk && answer.data.length === 2 * MIB);
    for (const { value } of await Promise.all(streams))
      t.true(value instanceof Bulk && value.data.length === 2 * MIB);
  });

  test(title('a large request that was given up in the queue is never sent'), async (t) => {
    const seen: unknown[] = [];
    const note = unary(z.unknown(), async (params, signal) => {
      seen.push(params, signal.aborted);
    });
    const { near, far } = await connected(harness, t);
    const client = openRpc(near);
    const data = [filled(24 * MIB, 1)];
    const controller = new AbortController();
    const calls = [client.call('note', 1, undefined, data)];
    const second = client.call('note', 2, controller.signal, data);
    calls.push(client.call('note', 3, undefined, data));
    const reason = new Error('changed my mind');
    controller.abort(reason);
    t.is(await t.throwsAsync(second), reason);
    serveRpc(far, { note });
    await Promise.all(calls);
    t.deepEqual(seen, [1, false, 3, false]);
  });

  test(title('more bytes than travel fail that request alone, also in the queue'), async (t) => {
    const { client } = await rpc(harness, t, { size });
    const good = [filled(2 * MIB, 1)];
    const data = [filled(33 * MIB, 1)];
    const calls = [
      client.call('size', 1, undefined, data),
      client.call('size', 2, undefined, good),
      client.call('size', 3, undefined, data),
      client.call('size', 4, undefined, good),
    ];
    const outcomes = await Promise.allSettled(calls);
    t.deepEqual(
      outcomes.map((each) => each.status),
      ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
    );
    for (const each of outcomes)
      t.true(each.status === 'fulfilled' || isFault(each.reason, 'WIRE_INVALID'));
  });

  test(title('the end of the connection ends requests that wait in the queue'), async (t) => {
    const { client, far } = await rpc(harness, t, { forever });
    const data = [filled(2 * MIB, 1)];
    const calls = [1, 2, 3].map((n) => client.call('forever', n, undefined, data));
    const outcomes = Promise.allSettled(calls);
    far.close('leaving');
    for (const outcome of await outcomes)
      t.true(outcome.status === 'rejected' && isFault(outcome.reason));
  });
}
