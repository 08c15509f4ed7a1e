/**
 * membership: which nodes there are, found out by the nodes themselves, without a master.
 *
 *   const core = new MembershipCore({ address: '10.0.0.1:7000', boot, incarnation, random, now });
 *   perform(core.start(now, ['10.0.0.2:7000']));     // effects: packets to send, events to report
 *   perform(core.receive(now, packet));              // a packet came
 *   perform(core.tick(now));                         // the time core.dueAt has come
 *
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
export type { DeathCause, Effect, MemberEvent, NodeRef } from './effects.ts';
export { DATAGRAM_BYTES_MAX, PACKET_BYTES_MAX, SEAL_BYTES } from './limits.ts';
export { type LoadFigures, loadFields } from './load.ts';
export type { Member } from './member.ts';
export { defaultMode, type Mode, type Protocol } from './mode.ts';
export type { Body, Packet, Sender } from './packet.ts';
export { type ProbeOrder, RandomOrder, ShuffledOrder } from './probe-order.ts';
export { type Rules, type SuspicionSpan, standardRules, suspicionMs } from './rules.ts';
