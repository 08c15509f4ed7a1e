/**
 * membership: which nodes there are, found out by the nodes themselves, without a master.
 *
 *   const datagrams = await openUdp({ bind: '10.0.0.1:7000', keyed: true, log });
 *   const seeds = ['10.0.0.2:7000'];
 *   const node = MembershipDriver.start({ datagrams, seeds, keys, clock, random, log });
 *   node.subscribe((event) => { if (event.kind === 'dead') recover(event.node); });
 *   await node.joined;
 *   node.switchMode('gossip', true);                 // for the whole cluster
 *   await node.leave();
 *
 * The driver is thin: `MembershipCore` decides everything, without IO, and runs in a simulator too.
 * Two failure detectors (`ping`: SWIM with Lifeguard, `gossip`: heartbeats), each with or without
 * suspicion, exchanged for the whole cluster while it runs. A death reported here is a hint: it may
 * cost time when it is wrong, never correctness.
 */
export { type Claim, keyOf, nodeIdOf, type Status, supersedes } from './claim.ts';
export { decodePacket, encodePacket, packetBytes } from './codec.ts';
export {
  defaultConfig,
  type Lifeguard,
  type MembershipConfig,
  noLifeguard,
  publishedConfig,
} from './config.ts';
export { type CoreOptions, MembershipCore, type MemberView } from './core.ts';
export { type DatagramReceiver, type Datagrams, openUdp, type UdpOptions } from './datagrams.ts';
export {
  type DriverOptions,
  type DropReason,
  MembershipDriver,
  type MembershipListener,
  type MembershipStats,
} from './driver.ts';
export type { DeathCause, Effect, MemberEvent, NodeRef } from './effects.ts';
export { DATAGRAM_BYTES_MAX, PACKET_BYTES_MAX, SEAL_BYTES } from './limits.ts';
export { type LoadFigures, loadFields } from './load.ts';
export type { Member } from './member.ts';
export { defaultMode, type Mode, type Protocol } from './mode.ts';
export type { Body, Packet, Sender } from './packet.ts';
export { type ProbeOrder, RandomOrder, ShuffledOrder } from './probe-order.ts';
export { CLOCK_TOLERANCE_S, type Freshness, ReplayGuard } from './replay-guard.ts';
export { type Rules, type SuspicionSpan, standardRules, suspicionMs } from './rules.ts';
export { Keyring, type Opened, openPacket, type Refusal, type Stamp, sealPacket } from './seal.ts';
