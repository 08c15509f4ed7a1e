/**
 * The decisions that membership's correctness hangs on, each a pure function, together so that a
 * test can take one away and see that it is missed.
 */
import { supersedes } from './claim.ts';
import type { MembershipConfig } from './config.ts';
import { type ProbeOrder, RandomOrder, ShuffledOrder } from './probe-order.ts';

export interface Rules {
  /** whether a claim says more than what is known: claim.ts C1 */
  readonly supersedes: typeof supersedes;
  /** the incarnation that refutes a claim about this node made in `accused` */
  readonly refutation: (own: number, accused: number) => number;
  /** how often a claim is passed on among `members`: lambda log n of SWIM section 4.1 */
  readonly retransmissions: (members: number, factor: number) => number;
  readonly suspicionMs: typeof suspicionMs;
  readonly probeOrder: (order: MembershipConfig['probeOrder']) => ProbeOrder;
}

export const standardRules: Rules = {
  supersedes,
  refutation: (own, accused) => Math.max(own, accused) + 1,
  retransmissions: (members, factor) => Math.ceil(factor * Math.log2(members + 1)),
  suspicionMs,
  probeOrder: (order) => (order === 'random' ? new RandomOrder() : new ShuffledOrder()),
};

export interface SuspicionSpan {
  readonly shortestMs: number;
  readonly longestMs: number;
  /** confirmations that make it shortest; 0 when nobody could confirm */
  readonly wanted: number;
}

/**
 * How long a suspicion lasts after `confirmations` independent ones beside the first: it shrinks by
 * the logarithm of their number (Lifeguard, section 4.2).
 */
export function suspicionMs(span: SuspicionSpan, confirmations: number): number {
  const { shortestMs, longestMs, wanted } = span;
  if (wanted <= 0) return shortestMs;
  const share = Math.log(confirmations + 1) / Math.log(wanted + 1);
  return Math.max(shortestMs, longestMs - (longestMs - shortestMs) * share);
}

/** The bounds of a suspicion among `members` nodes, this one counted. */
export function suspicionSpan(config: MembershipConfig, members: number): SuspicionSpan {
  const { suspicionPeriods, suspicionMaxFactor, probeIntervalMs, lifeguard } = config;
  const shortestMs = suspicionPeriods * Math.max(1, Math.log10(members)) * probeIntervalMs;
  // Neither the suspected one nor the first accuser can confirm.
  const wanted = Math.max(0, Math.min(config.confirmations, members - 2));
  if (!lifeguard.suspicion) return { shortestMs, longestMs: shortestMs, wanted: 0 };
  return { shortestMs, longestMs: shortestMs * suspicionMaxFactor, wanted };
}
