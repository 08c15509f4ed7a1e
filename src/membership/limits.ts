/**
 * Limits of what members say and remember. Peers are held to them when a packet is read.
 */
import { assert } from '../core/index.ts';

/** Bytes of a packet before it is sealed: with the seal, IP and UDP below an Ethernet frame. */
export const PACKET_BYTES_MAX = 1352;
/** Bytes that sealing adds: see seal.ts. */
export const SEAL_BYTES = 48;
/** Bytes of a datagram that is looked at. */
export const DATAGRAM_BYTES_MAX = PACKET_BYTES_MAX + SEAL_BYTES;
/** Addresses that are remembered, the gone ones included. */
export const MEMBERS_MAX = 4096;
/** Bytes of "host:port". */
export const ADDRESS_BYTES_MAX = 100;
/** Above any clock in milliseconds, and far from where doubles stop counting. */
export const INCARNATION_MAX = 2 ** 48;
/** Claims in one packet. */
export const CLAIMS_MAX = 64;
/** Load figures of other members in one packet, the sender's own included. */
export const LOADS_MAX = 3;
/** Heartbeats in one packet. */
export const BEATS_MAX = 96;
/** Seeds that are remembered. */
export const SEEDS_MAX = 64;

assert(DATAGRAM_BYTES_MAX <= 1400, 'a datagram is never fragmented on Ethernet');
