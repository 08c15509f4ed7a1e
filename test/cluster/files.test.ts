/** Replicated files on real nodes: every command at every node, and clients while nodes die. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isFault, present, sleep, systemClock } from '../../src/core/index.ts';
import { type FilePlaces, reachService, type Service } from '../../src/node/index.ts';
import { ringPointOf } from '../../src/plan/index.ts';
import { until } from '../helpers/poll.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { Cluster, type ClusterProcess, LONG_MS } from './cluster.ts';
import { FileClient, problemsOf, textOf } from './file-clients.ts';
import { Network, networkMissing } from './network.ts';

const NAME = 'shared.txt';

/** Gives the service of `node` to `body`. */
async function at<T>(node: ClusterProcess, body: (service: Service) => Promise<T>): Promise<T> {
  const service = await reachService(node.data, { make: false });
  try {
    return await body(service);
  } finally {
    await service.close();
  }
}

/** Resolves when `count` living nodes hold the file, and nobody else, as `node` knows it. */
function replicated(node: ClusterProcess, count: number, living: readonly string[]) {
  return until(
    async () => {
      const places = await at(node, (service) => service.copies.places(NAME));
      const addresses = places?.replicas.map(({ address }) => address) ?? [];
      const whole = addresses.length === count && addresses.every((each) => living.includes(each));
      return whole ? places : null;
    },
    { what: `${count} replicas`, deadlineMs: LONG_MS },
  );
}

function addressesOf(nodes: readonly ClusterProcess[]): string[] {
  return nodes.map(({ address }) => address);
}

test('every command about files works at any node, and says where things are', async (t) => {
  const cluster = await Cluster.make();
  t.teardown(() => cluster.close());
  const nodes = await cluster.grow(4);
  await cluster.whole();
  const dir = tmpDir(t);
  const local = join(dir, 'local.txt');
  writeFileSync(local, 'one\ntwo\n');
  const says = async (place: number, ...args: string[]): Promise<string> => {
    const exit = await cluster.run([...args, '--cluster', nodes[place].address]);
    t.is(exit.code, 0, `${args.join(' ')}: ${exit.stderr}`);
    return exit.stdout;
  };
  const point = ringPointOf(NAME);
  const three = /at (127[\d.]+:7070(, )?){3}\n$/;
  const created = await says(0, 'fs', 'create', NAME, local);
  t.regex(created, new RegExp(`^created ${NAME} \\(file id ${point}\\), 8 bytes at `));
  await replicated(nodes[0], 3, addressesOf(nodes));
  const appended = await says(1, 'fs', 'append', NAME, local);
  t.regex(appended, /^appended 8 bytes .* has 16 now, at 127/);
  t.regex(appended, three);
  t.is(await says(2, 'fs', 'cat', NAME), 'one\ntwo\none\ntwo\n');
  t.is(await says(3, 'fs', 'cat', NAME, '--from', '4', '--to', '8'), 'two\n');
  t.regex(await says(3, 'fs', 'ls', 'sha'), /^NAME +SIZE.*\nshared\.txt +16 B/);
  const listed = await says(3, 'fs', 'ls', NAME);
  t.regex(listed, new RegExp(`^${NAME} \\(file id ${point}\\)\nREPLICA +RING ID +ROLE\n`));
  const places: FilePlaces = JSON.parse(await says(2, 'fs', 'ls', NAME, '--json'));
  const addresses = places.replicas.map(({ address }) => address);
  for (const { address, ringId } of places.replicas) t.is(ringId, ringPointOf(address));
  t.regex(await says(0, 'fs', 'merge', NAME), /^merged shared\.txt: 3 replicas are equal \(/);

  const copies: string[] = [];
  for (const [i, address] of addresses.entries()) {
    const path = join(dir, `copy-${i}`);
    await says(i, 'fs', 'get-from-replica', address, NAME, path);
    copies.push(readFileSync(path, 'utf8'));
  }
  t.deepEqual(copies, Array(3).fill('one\ntwo\none\ntwo\n'));
  const other = present(
    nodes.find(({ address }) => !addresses.includes(address)),
    'one node holds no replica',
  );
  const refused = await cluster.run([
    ...['fs', 'get-from-replica', other.address, NAME, join(dir, 'none')],
    ...['--cluster', nodes[0].address],
  ]);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /holds no replica of shared\.txt; its replicas are at 127/);

  for (const [i, node] of nodes.entries()) {
    const stored = JSON.parse(await says(i, 'fs', 'store', '--json'));
    t.is(stored.ringId, ringPointOf(node.address));
    const names = stored.files.map(({ name }: { name: string }) => name);
    t.deepEqual(names, node === other ? [] : [NAME]);
  }
  const paths = nodes.map((_, i) => join(dir, `from-${i}`));
  for (const [i, path] of paths.entries()) writeFileSync(path, `from ${i}\n`);
  const from = nodes.map(({ address }) => address).join(',');
  const many = await says(1, 'fs', 'multi-append', NAME, '--from', from, ...paths);
  t.is(many.split('\n').filter((line) => /appended 7 bytes of/.test(line)).length, 4);
  const all = (await says(0, 'fs', 'cat', NAME)).split('\n').slice(4, -1);
  t.deepEqual(all.toSorted(), ['from 0', 'from 1', 'from 2', 'from 3']);
  const partly = await cluster.run([
    ...['fs', 'multi-append', NAME, '--from', from, paths[0], paths[1], paths[2], `${local}-none`],
    ...['--cluster', nodes[2].address],
  ]);
  t.is(partly.code, 1);
  t.regex(partly.stderr, new RegExp(`^${nodes[3].address}: .*local\\.txt-none.* cannot be read`));

  const searched = await says(2, 'logs', '--grep', 'listening on');
  for (const { address } of nodes) {
    t.regex(searched, new RegExp(`^${address} node\\.log: .*listening on ${address}`, 'm'));
  }
  await says(3, 'fs', 'rm', NAME);
  const gone = await cluster.run(['fs', 'cat', NAME, '--cluster', nodes[1].address]);
  t.is(gone.code, 1);
  t.regex(gone.stderr, /there is no file shared\.txt/);
});

interface Cut {
  readonly how: string;
  begin(node: ClusterProcess): void;
  end(node: ClusterProcess): void;
}

/** Cuts a node off: in a network of namespaces, or by stopping its process where there is none. */
function cutIn(network: Network | null): Cut {
  if (network === null) {
    return {
      how: `stopped, for ${networkMissing()}`,
      begin: (node) => node.signal('SIGSTOP'),
      end: (node) => node.signal('SIGCONT'),
    };
  }
  return {
    how: 'cut off',
    begin: (node) => network.isolate(placeIn(network, node)),
    end: () => network.heal(),
  };
}

function placeIn(network: Network, node: ClusterProcess): number {
  for (let place = 1; place <= network.places; place++) {
    if (node.address.startsWith(`${network.addressOf(place)}:`)) return place;
  }
  throw new Error(`${node.address} is not in the network`);
}

const NODES = 6;
const CLIENTS = 10;
/** Longer than it takes to notice that a node is gone, and to give its points to others. */
const CUT_MS = 8_000;

async function withCluster(
  t: ExecutionContext,
  body: (cluster: Cluster, cut: Cut) => Promise<void>,
): Promise<void> {
  const network = networkMissing() === null ? Network.make(NODES + 1) : null;
  let cluster: Cluster | null = null;
  try {
    const key = join(tmpDir(t), 'cluster.key');
    const flags = ['--replace-after', '5s', '--key-file', key];
    cluster = await Cluster.make(flags, network);
    await cluster.run(['keygen', key]);
    await cluster.grow(NODES);
    await cluster.whole();
    await cluster.voters(5);
    await body(cluster, cutIn(network));
  } finally {
    await cluster?.close();
    network?.close();
  }
}

test('ten clients lose nothing and double nothing while two replicas die and the primary is cut off', (t) =>
  withCluster(t, async (cluster, cut) => {
    const addresses = (): string[] => addressesOf(cluster.living);
    const nodeAt = (address: string): ClusterProcess =>
      present(
        cluster.living.find((node) => node.address === address),
        `${address} runs`,
      );
    await at(cluster.nodes[0], (service) => service.create(NAME)).catch((error: unknown) => {
      // a creation that was tried again may be answered with its own first try
      if (!isFault(error, 'FILE_EXISTS')) throw error;
    });
    const before = await replicated(cluster.nodes[0], 3, addresses());
    const doomed = before.replicas.slice(0, 2).map(({ address }) => nodeAt(address));
    const safe = cluster.nodes.filter((node) => !doomed.includes(node));
    const clients = Array.from(
      { length: CLIENTS },
      (_, i) => new FileClient(NAME, safe[i % safe.length], `client-${i}`),
    );
    const done = (): number => clients.reduce((sum, each) => sum + each.acknowledged.length, 0);
    const goOn = (more: number): Promise<unknown> => {
      const from = clients.map(({ acknowledged }) => acknowledged.length);
      const went = (client: FileClient, i: number): boolean => {
        if (client.failure !== null) throw client.failure;
        return client.acknowledged.length >= from[i] + more;
      };
      const what = `${more} appends of every client`;
      return until(() => clients.every(went), { what, deadlineMs: LONG_MS });
    };
    await goOn(20);
    await Promise.all(doomed.map((node) => node.kill()));
    await goOn(20);
    await replicated(safe[0], 3, addresses());

    const [joined] = await cluster.grow(1);
    await goOn(20);
    const { replicas } = await replicated(safe[0], 3, addresses());
    const primary = nodeAt(replicas[0].address);
    cut.begin(primary);
    const others = clients.filter((_, i) => safe[i % safe.length] !== primary);
    const reached = others.map(({ acknowledged }) => acknowledged.length);
    await until(() => others.every((each, i) => each.acknowledged.length > reached[i] + 5), {
      what: 'the others to go on without the primary',
      deadlineMs: LONG_MS,
    });
    await sleep(systemClock, CUT_MS);
    cut.end(primary);
    await goOn(20);
    await Promise.all(clients.map((client) => client.stop()));

    const settled = await replicated(joined, 3, addresses());
    const merged = await at(joined, (service) => service.copies.merge(NAME));
    t.deepEqual([merged.replicas, merged.repaired], [2, []]);
    const texts = await Promise.all(
      settled.replicas.map(({ address }) =>
        at(safe[0], (service) => textOf(service.copies.readFrom(address, NAME))),
      ),
    );
    for (const text of texts) t.true(text === texts[0], 'the replicas are equal');
    for (const client of clients) {
      t.deepEqual(client.complaints, []);
      t.deepEqual(problemsOf(client, texts[0], client.acknowledged.length), []);
      t.true(client.looks > 0, 'every client has read what it wrote');
    }
    const lines = texts[0].split('\n').length - 1;
    const unknown = clients.reduce((sum, each) => sum + each.unknown.length, 0);
    t.true(lines >= done() && lines <= done() + unknown, 'nothing is there that nobody wrote');
    t.log(`${done()} appends acknowledged, ${unknown} unknown; the primary was ${cut.how}`);
  }));
