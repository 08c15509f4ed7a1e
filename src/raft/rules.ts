/**
 * The conditions that safety hangs on, each once. They are options of the core only so that a test
 * can take one away and show that its absence is noticed.
 */
import type { RaftLimits } from './limits.ts';

export interface Rules {
  /** A voter is asked first whether it would vote, so that one who was away deposes nobody. */
  asksFirst(): boolean;
  /** A voter that hears its leader helps nobody else to power. */
  keepsLeader(silentTicks: number, limits: RaftLimits): boolean;
  /** Entries are taken only behind one that is the leader's too. */
  fits(ownTerm: number | null, prevTerm: number): boolean;
  /** Counting replicas decides entries of the leader's own term only (figure 8 of the paper). */
  counts(entryTerm: number | null, term: number): boolean;
  /** A leader answers reads after `voices`, itself included, took it for the leader since. */
  heard(voices: number, quorum: number): boolean;
  /** The next change waits for the one before, and for the leader's own first entry. */
  mayChange(at: {
    readonly lastChange: number;
    readonly begun: number;
    readonly commit: number;
  }): boolean;
}

export const soundRules: Rules = {
  asksFirst: () => true,
  keepsLeader: (silentTicks, { electionTicks }) => silentTicks < electionTicks,
  fits: (ownTerm, prevTerm) => ownTerm === prevTerm,
  counts: (entryTerm, term) => entryTerm === term,
  heard: (voices, quorum) => voices >= quorum,
  mayChange: ({ lastChange, begun, commit }) => lastChange <= commit && begun <= commit,
};
