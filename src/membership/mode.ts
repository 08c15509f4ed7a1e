/**
 * Which failure detector the cluster runs. Every packet carries the sender's mode, and everyone
 * keeps the highest, so a switch reaches the whole cluster, and whoever joins it later, by itself.
 */

export type Protocol = 'ping' | 'gossip';

export interface Mode {
  /** grows with each switch; 0 is what a node was started with */
  readonly version: number;
  readonly protocol: Protocol;
  /** whether a member is suspected, and may object, before it is declared dead */
  readonly suspicion: boolean;
}

export const defaultMode: Mode = { version: 0, protocol: 'ping', suspicion: true };

/** The mode as two bits; also decides between switches made at the same time. */
export function modeBits({ protocol, suspicion }: Mode): number {
  return (protocol === 'gossip' ? 2 : 0) + (suspicion ? 1 : 0);
}

/** The mode of `version` and the bits that `modeBits` made. */
export function modeOf(version: number, bits: number): Mode {
  return { version, protocol: bits & 2 ? 'gossip' : 'ping', suspicion: (bits & 1) === 1 };
}

/** Whether a member in mode `ours` adopts `theirs`. */
export function isHigher(theirs: Mode, ours: Mode): boolean {
  if (theirs.version !== ours.version) return theirs.version > ours.version;
  // Version 0 is no decision: nodes started with different flags wait for one.
  return theirs.version > 0 && modeBits(theirs) > modeBits(ours);
}
