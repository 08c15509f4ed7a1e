/** Who votes, and the change from one set of members to the next. */
import { z } from 'zod';
import { decodeCbor, encodeCbor } from '../wire/index.ts';
import type { Change, Member, Members } from './types.ts';

/** Members of a group, those without a vote counted. */
export const MEMBERS_MAX = 256;

const memberSchema = z.strictObject({
  id: z.string().min(1).max(255),
  address: z.string().min(1).max(255),
  votes: z.boolean(),
});
export const membersSchema = z.array(memberSchema).max(MEMBERS_MAX);

/** The members as the data of an entry. */
export function encodeMembers(members: Members): Uint8Array {
  return encodeCbor(members);
}

/** @throws what the codec or the schema says is wrong */
export function decodeMembers(data: Uint8Array): Members {
  return membersSchema.parse(decodeCbor(data));
}

export function memberOf(members: Members, id: string): Member | null {
  return members.find((member) => member.id === id) ?? null;
}

export function isVoter(members: Members, id: string): boolean {
  return memberOf(members, id)?.votes ?? false;
}

export function votersOf(members: Members): Members {
  return members.filter(({ votes }) => votes);
}

/** How many voters any two of whose groups of that size share one. */
export function quorumOf(members: Members): number {
  return Math.floor(votersOf(members).length / 2) + 1;
}

/** True when those of the voters for whom `says` is true are a quorum. */
export function agree(members: Members, says: (id: string) => boolean): boolean {
  return votersOf(members).filter(({ id }) => says(id)).length >= quorumOf(members);
}

/** The members after `change`, which differ in one vote at most; null when it changes nothing. */
export function changed(members: Members, change: Change): Members | null {
  const old = memberOf(members, change.id);
  const others = members.filter(({ id }) => id !== change.id);
  if (change.kind === 'add') {
    if (old?.address === change.address) return null;
    const { id, address } = change;
    return [...others, { id, address, votes: old?.votes ?? false }].sort(byId);
  }
  if (old === null) return null;
  if (change.kind === 'remove') return others;
  return old.votes ? null : [...others, { ...old, votes: true }].sort(byId);
}

function byId(a: Member, b: Member): number {
  return a.id < b.id ? -1 : 1;
}
