/**
 * Strangers at running nodes: datagrams that are forged, recorded, plain or sealed with another key,
 * and TCP peers that say anything. Nothing of it may change a list, and the nodes stay well.
 *
 * Without a key whoever can send from this machine is believed: there only what is malformed, or
 * sealed, is refused.
 */
import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Random, seededRandom, systemClock } from '../../src/core/index.ts';
import { encodePacket, Keyring, sealPacket } from '../../src/membership/index.ts';
import { readKeyFile } from '../../src/transport/index.ts';
import { until } from '../helpers/poll.ts';
import { badFirstFrames } from '../transport/helpers/bad-frames.ts';
import { clusterKeys } from '../transport/helpers/keys.ts';
import { Cluster, type ClusterProcess } from './cluster.ts';

const PACKETS = 10_000;
const BATCH = 100;
const NODES = 3;

const clusters: Cluster[] = [];
test.after.always(() => Promise.all(clusters.map((cluster) => cluster.close())));

test.serial('strangers change nothing at nodes with a key', async (t) => {
  const { cluster, keyFile } = await keyedCluster();
  const keys = await readKeyFile(keyFile);
  const victim = cluster.nodes[1];
  const self = await victim.id();
  const before = await snapshot(victim);
  const random = seededRandom(7);
  const lie = encodePacket(lieAbout(self));
  const wrong = new Keyring(clusterKeys('b'));
  const right = new Keyring(keys);
  const now = Math.floor(systemClock.wall() / 1000);
  const stamp = { boot: '0f'.repeat(16), counter: 1, sentAt: now };
  const stale = sealPacket(right, { ...stamp, sentAt: now - 3600 }, lie);
  const kinds: readonly ((i: number) => Uint8Array)[] = [
    () => sealPacket(null, stamp, lie),
    (i) => sealPacket(wrong, { ...stamp, counter: i }, lie),
    (i) => withOneBitChanged(sealPacket(right, { ...stamp, counter: i }, lie), random),
    () => stale,
    () => random.bytes(1 + (random.u32() % 1400)),
  ];
  await flood(cluster.nodes, (i) => kinds[i % kinds.length](i));
  await knock(t, victim);
  await unharmed(t, cluster, before);
});

test.serial('strangers change nothing at nodes without a key', async (t) => {
  const cluster = await Cluster.make();
  clusters.push(cluster);
  await cluster.grow(NODES);
  const victim = cluster.nodes[1];
  const before = await snapshot(victim);
  const random = seededRandom(8);
  const lie = encodePacket(lieAbout(await victim.id()));
  const wrong = new Keyring(clusterKeys('b'));
  const stamp = { boot: '0f'.repeat(16), counter: 1, sentAt: 1 };
  const plain = sealPacket(null, stamp, lie);
  const kinds: readonly ((i: number) => Uint8Array)[] = [
    (i) => sealPacket(wrong, { ...stamp, counter: i }, lie),
    () => plain.subarray(0, random.u32() % plain.length),
    () => Buffer.concat([Buffer.of(2 + (random.u32() % 250)), random.bytes(random.u32() % 1400)]),
  ];
  await flood(cluster.nodes, (i) => kinds[i % kinds.length](i));
  await knock(t, victim);
  await unharmed(t, cluster, before);
});

test.serial('the same lie, sealed with the right key, is heard', async (t) => {
  const [cluster] = clusters;
  const victim = cluster.nodes[0];
  const keys = new Keyring(await readKeyFile(join(cluster.dir, 'cluster.key')));
  const boot = '0e'.repeat(16);
  const sentAt = Math.floor(systemClock.wall() / 1000);
  const lie = encodePacket(lieAbout(`127.0.0.9:9#${'0d'.repeat(16)}`, boot));
  await flood([victim], (i) => sealPacket(keys, { boot, counter: i, sentAt }, lie), 1);
  const switched = async (): Promise<boolean> =>
    (await victim.ask((service) => service.protocol())).protocol === 'gossip';
  t.true(await until(switched, { what: 'the lie to be heard' }));
});

async function keyedCluster(): Promise<{ cluster: Cluster; keyFile: string }> {
  const probe = await Cluster.make();
  clusters.push(probe);
  const keyFile = join(probe.dir, 'cluster.key');
  await probe.run(['keygen', keyFile]);
  await probe.grow(NODES, { flags: ['--key-file', keyFile] });
  return { cluster: probe, keyFile };
}

/** A packet that says that `id` is dead, from a member that nobody has heard of. */
function lieAbout(id: string, boot = '0f'.repeat(16)): Parameters<typeof encodePacket>[0] {
  const [address, victim] = id.split('#');
  return {
    from: { address: '127.0.0.9:9', boot, incarnation: 1 },
    mode: { version: 9, protocol: 'gossip', suspicion: false },
    body: { kind: 'news' },
    news: [{ address, boot: victim, incarnation: 2 ** 47, status: 'dead', by: 1 }],
    loads: [],
  };
}

function withOneBitChanged(datagram: Uint8Array, random: Random): Uint8Array {
  const changed = Uint8Array.from(datagram);
  const bit = random.u32() % (changed.length * 8);
  changed[bit >> 3] ^= 1 << (bit & 7);
  return changed;
}

/** Sends `make(0..count-1)` to the nodes in turn, not faster than the kernel takes it. */
async function flood(
  nodes: readonly ClusterProcess[],
  make: (i: number) => Uint8Array,
  count = PACKETS,
): Promise<void> {
  const socket = createSocket('udp4');
  try {
    for (let sent = 0; sent < count; sent += BATCH) {
      const batch = Array.from({ length: Math.min(BATCH, count - sent) }, (_, i) =>
        send(socket, nodes[i % nodes.length], make(sent + i)),
      );
      await Promise.all(batch);
      // An answer of the node says that it has had time to read what came before.
      await nodes[0].members();
    }
  } finally {
    socket.close();
  }
}

function send(socket: Socket, to: ClusterProcess, bytes: Uint8Array): Promise<void> {
  const [host, port] = to.address.split(':');
  return new Promise((resolve, reject) => {
    socket.send(bytes, Number(port), host, (error) => (error ? reject(error) : resolve()));
  });
}

/** Says everything that is wrong to the node's TCP port, at several connections each. */
async function knock(t: ExecutionContext, node: ClusterProcess): Promise<void> {
  const [host, port] = node.address.split(':');
  const answered = await Promise.all(
    [...badFirstFrames, ...badFirstFrames].map(
      ([, bytes]) =>
        new Promise<number>((resolve) => {
          let heard = 0;
          const socket = connect(Number(port), host, () => socket.end(bytes));
          socket.on('data', (chunk) => {
            heard += chunk.length;
          });
          socket.on('error', () => socket.destroy());
          socket.once('close', () => resolve(heard));
        }),
    ),
  );
  t.log(`${answered.length} TCP strangers heard at most ${Math.max(...answered)} bytes`);
}

async function snapshot(node: ClusterProcess): Promise<unknown> {
  const rows = (await node.members()).map(({ id, status }) => `${status} ${id}`);
  return { rows, mode: await node.ask((cluster) => cluster.protocol()) };
}

async function unharmed(t: ExecutionContext, cluster: Cluster, before: unknown): Promise<void> {
  await cluster.complete();
  t.deepEqual(await snapshot(cluster.nodes[1]), before);
  t.true(cluster.nodes.every(({ isRunning }) => isRunning));
  const refused = cluster.nodes.filter(({ stderr }) => / objected/.test(stderr));
  t.deepEqual(
    refused.map(({ address }) => address),
    [],
    'a lie was believed for a while',
  );
  t.is((await cluster.leader()).isRunning, true);
}
