/**
 * Packets as bytes.
 *
 * ```cddl
 * packet = [
 *   format: 1,
 *   [address, boot, incarnation],      ; from
 *   [version: u32, bits: 0..3],        ; mode; bit 1: gossip, bit 0: suspicion
 *   body,                              ; messages/
 *   [* claim],                         ; news
 *   [* load],
 * ]
 * ```
 *
 * Invariants
 *   P1  What cannot be read is null, never an exception: anybody can send a datagram.
 *   P2  Bytes are scanned before they are decoded, so a short packet cannot claim a long array.
 *   P3  `packetBytes` is never below the real size, so a packet that fits by it fits on the wire.
 */

import { z } from 'zod';
import { assert, present } from '../core/index.ts';
import { decodeCbor, encodeCbor, scanCbor } from '../wire/index.ts';
import { type Claim, rankOf } from './claim.ts';
import { PACKET_BYTES_MAX } from './limits.ts';
import type { LoadClaim } from './load.ts';
import { type Heartbeat, packBeats } from './messages/beat.ts';
import { address, boot, claims, incarnation, loads, u32 } from './messages/fields.ts';
import { definitions } from './messages/index.ts';
import { modeBits, modeOf } from './mode.ts';
import type { Body, Packet } from './packet.ts';

const FORMAT = 1;
const U32_MAX = 0xffff_ffff;

const envelope = z.tuple([
  z.literal(FORMAT),
  z.tuple([address, boot, incarnation]),
  z.tuple([u32, z.int().min(0).max(3)]),
  z.array(z.unknown()).min(1),
  claims,
  loads,
]);

/** The bytes of `packet`, at most PACKET_BYTES_MAX. */
export function encodePacket({ from, mode, body, news, loads }: Packet): Uint8Array {
  const bytes = encodeCbor([
    FORMAT,
    [from.address, bootBytes(from.boot), wide(from.incarnation)],
    [mode.version, modeBits(mode)],
    bodyFields(body),
    news.map(claimFields),
    loads.map(({ key, version, figures }) => [wide(key), version, figures]),
  ]);
  assert(bytes.length <= PACKET_BYTES_MAX, 'a packet fits in a datagram');
  return bytes;
}

/** The packet that `encodePacket` wrote, or null when `bytes` are anything else. */
export function decodePacket(bytes: Uint8Array): Packet | null {
  if (bytes.length > PACKET_BYTES_MAX || scanCbor(bytes) !== null) return null;
  const parsed = envelope.safeParse(decodeCbor(bytes));
  if (!parsed.success) return null;
  const [, [address, boot, incarnation], [version, bits], fields, news, loads] = parsed.data;
  const body = readBody(fields);
  if (body === null) return null;
  return { from: { address, boot, incarnation }, mode: modeOf(version, bits), body, news, loads };
}

const BASE_BYTES = 1 + 1 + 1 + 18 + 9 + 1 + 5 + 1 + 3 + 3;
const CLAIM_BYTES = 1 + 2 + 17 + 9 + 1 + 9;
const LOAD_BYTES = 1 + 9 + 5 + 1;
const FIGURE_BYTES = 5;
const BODY_BYTES = 1 + 1 + 5 + 9 + 1;
/** Beside its beats, what a beat takes. */
const BEAT_BASE_BYTES = 5;

/** At least the bytes of a packet from `address` without news and loads (P3). */
export function emptyPacketBytes(address: string, body: Body): number {
  const base = BASE_BYTES + textBytes(address) + BODY_BYTES;
  if (body.kind === 'ping-request') return base + textBytes(body.address);
  if (body.kind === 'beat') return base + BEAT_BASE_BYTES + body.beats.length * 10;
  return base;
}

/** At least the bytes that `claim` adds to a packet. */
export function claimBytes(claim: Claim): number {
  return CLAIM_BYTES + textBytes(claim.address);
}

/** At least the bytes that `load` adds to a packet. */
export function loadBytes(load: LoadClaim): number {
  return LOAD_BYTES + load.figures.length * FIGURE_BYTES;
}

/** At least the bytes of `packet`. */
export function packetBytes({ from, body, news, loads }: Packet): number {
  let bytes = emptyPacketBytes(from.address, body);
  for (const claim of news) bytes += claimBytes(claim);
  for (const load of loads) bytes += loadBytes(load);
  return bytes;
}

function textBytes(text: string): number {
  return 2 + text.length;
}

function bodyFields(body: Body): unknown[] {
  const { number, fields } = definitionOf(body.kind);
  const values = Object.entries(body).filter(([name]) => name !== 'kind');
  const byName = new Map<string, unknown>(values);
  return [number, ...fields.map((field) => fieldValue(byName.get(field)))];
}

function fieldValue(value: unknown): unknown {
  if (typeof value === 'number') return wide(value);
  return isBeats(value) ? packBeats(value) : value;
}

function isBeats(value: unknown): value is readonly Heartbeat[] {
  return Array.isArray(value);
}

function readBody(values: readonly unknown[]): Body | null {
  const definition = definitions.find(({ number }) => number === values[0]);
  if (definition === undefined || values.length !== definition.fields.length + 1) return null;
  const named = definition.fields.map((field, i) => [field, values[i + 1]]);
  const parsed = definition.shape.safeParse(Object.fromEntries(named));
  // The shape of a definition is what its kind says.
  return parsed.success ? ({ kind: definition.kind, ...parsed.data } as Body) : null;
}

function definitionOf(kind: Body['kind']): (typeof definitions)[number] {
  return present(
    definitions.find((definition) => definition.kind === kind),
    'every kind has a definition',
  );
}

function claimFields({ address, boot, incarnation, status, by }: Claim): unknown[] {
  return [address, bootBytes(boot), wide(incarnation), rankOf[status], wide(by)];
}

function bootBytes(boot: string): Uint8Array {
  return Buffer.from(boot, 'hex');
}

/** The encoder writes integers above 32 bits as floats unless they are BigInt. */
function wide(value: number): number | bigint {
  return value > U32_MAX ? BigInt(value) : value;
}
