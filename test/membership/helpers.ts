/** Parts that several tests of membership need. */
import fc from 'fast-check';
import { type Random, seededRandom } from '../../src/core/index.ts';
import {
  type Body,
  type Claim,
  MembershipCore,
  type Packet,
  type Status,
} from '../../src/membership/index.ts';
import { ClusterKey, type ClusterKeys } from '../../src/transport/index.ts';

const KEY48_MAX = 2 ** 48 - 1;

export function boot(n: number): string {
  return n.toString(16).padStart(32, '0').split('').reverse().join('');
}

export function clusterKeys(current: number, other: number | null = null): ClusterKeys {
  const key = (fill: number): ClusterKey => new ClusterKey(new Uint8Array(32).fill(fill));
  return { current: key(current), other: other === null ? null : key(other) };
}

export function core(n: number, random: Random = seededRandom(n)): MembershipCore {
  const address = `10.0.0.${n}:7000`;
  return new MembershipCore({ address, boot: boot(n), incarnation: 1000, random, now: 0 });
}

/** A packet from node `n` that says `claims` and nothing else. */
export function packetOf(
  n: number,
  claims: readonly Claim[],
  body: Body = { kind: 'news' },
): Packet {
  const from = { address: `10.0.0.${n}:7000`, boot: boot(n), incarnation: 1000 };
  const mode = { version: 0, protocol: 'ping', suspicion: true } as const;
  return { from, mode, body, news: claims, loads: [] };
}

const u32 = fc.nat(0xffff_ffff);
const key = fc.integer({ min: 0, max: KEY48_MAX });
const bootId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const address = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat(65_535)).map(([host, port]) => `${host}:${port}`),
  fc.tuple(fc.ipV6(), fc.nat(65_535)).map(([host, port]) => `[${host}]:${port}`),
  fc.constant(`${'n'.repeat(90)}.example:65535`.slice(-100)),
);
const incarnation = fc.integer({ min: 0, max: 2 ** 48 });
const status = fc.constantFrom<Status>('alive', 'suspect', 'dead', 'left');

export const anyClaim: fc.Arbitrary<Claim> = fc.record({
  address,
  boot: bootId,
  incarnation,
  status,
  by: key,
});

const body: fc.Arbitrary<Body> = fc.oneof(
  fc.record({ kind: fc.constant('ping' as const), seq: u32, target: key }),
  fc.record({
    kind: fc.constant('ping-request' as const),
    seq: u32,
    address,
    target: key,
    nack: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('ack' as const), seq: u32 }),
  fc.record({ kind: fc.constant('nack' as const), seq: u32 }),
  fc.record({
    kind: fc.constant('beat' as const),
    beats: fc.array(fc.record({ key, count: u32 }), { minLength: 1, maxLength: 40 }),
  }),
  fc.record({ kind: fc.constant('sync' as const), hash: u32 }),
  fc.record({ kind: fc.constant('state' as const), pull: fc.boolean() }),
  fc.constant({ kind: 'news' as const }),
);

/** Packets that fit. */
export const anyPacket: fc.Arbitrary<Packet> = fc.record({
  from: fc.record({ address, boot: bootId, incarnation }),
  mode: fc.record({
    version: u32,
    protocol: fc.constantFrom('ping' as const, 'gossip' as const),
    suspicion: fc.boolean(),
  }),
  body,
  news: fc.array(anyClaim, { maxLength: 4 }),
  loads: fc.array(fc.record({ key, version: u32, figures: fc.array(u32, { maxLength: 6 }) }), {
    maxLength: 3,
  }),
});
