/**
 * The numbers of the failure detectors.
 *
 * The defaults are chosen for this: of ten nodes on one busy machine, one that is killed is in some
 * list within 3 s and in all within 6 s, and 5 % packet loss accuses nobody who lives
 * (bench/membership.ts shows the distribution). `publishedConfig` has those of the Lifeguard paper.
 */
import { assert } from '../core/index.ts';

/** The parts of Lifeguard (Dadgar, Phillips, Currey, arXiv:1707.00788), each for itself. */
export interface Lifeguard {
  /** LHA-Probe: who misses answers, and nacks, waits longer and probes less */
  readonly health: boolean;
  /** LHA-Suspicion: a suspicion lasts long until others confirm it */
  readonly suspicion: boolean;
  /** a suspected member is told so by whatever is sent to it */
  readonly buddy: boolean;
}

export interface MembershipConfig {
  /** one member is probed per period */
  readonly probeIntervalMs: number;
  /** then others are asked to probe it */
  readonly probeTimeoutMs: number;
  /** then it has not answered; may be longer than a period, probes overlap */
  readonly probeFailMs: number;
  /** how many are asked (k) */
  readonly indirectProbes: number;
  /** `random` is the basic protocol of SWIM section 3, `shuffled` the round-robin of 4.3 */
  readonly probeOrder: 'shuffled' | 'random';
  /** shortest suspicion = this x max(1, log10 n) periods (alpha) */
  readonly suspicionPeriods: number;
  /** longest suspicion, in shortest ones (beta) */
  readonly suspicionMaxFactor: number;
  /** independent confirmations that make it shortest (K) */
  readonly confirmations: number;
  /** score at which local health ends: intervals grow by at most this + 1 */
  readonly healthMax: number;
  readonly lifeguard: Lifeguard;
  /** a claim is passed on this x log2(n + 1) times (lambda) */
  readonly retransmitFactor: number;
  /** gossip protocol: heartbeats go to `beatFanout` members once per period */
  readonly beatIntervalMs: number;
  readonly beatFanout: number;
  /** periods without a new heartbeat until suspicion, and until death where there is none */
  readonly beatSuspectPeriods: number;
  readonly beatFailPeriods: number;
  /** tables are compared with a random member this often, at first more often */
  readonly syncIntervalMs: number;
  /** a member that is gone is remembered so long, for old news not to bring it back */
  readonly tombstoneMs: number;
  /** a deadline kept later than this says that we were stopped, not the others */
  readonly stallMs: number;
}

export const defaultConfig: MembershipConfig = {
  probeIntervalMs: 125,
  probeTimeoutMs: 150,
  probeFailMs: 400,
  indirectProbes: 3,
  probeOrder: 'shuffled',
  suspicionPeriods: 7.5,
  suspicionMaxFactor: 6,
  confirmations: 3,
  healthMax: 8,
  lifeguard: { health: true, suspicion: true, buddy: true },
  retransmitFactor: 3,
  beatIntervalMs: 200,
  beatFanout: 3,
  beatSuspectPeriods: 7,
  beatFailPeriods: 11,
  syncIntervalMs: 10_000,
  tombstoneMs: 600_000,
  stallMs: 100,
};

/** No Lifeguard: SWIM with suspicion as published in 2002. */
export const noLifeguard: Lifeguard = { health: false, suspicion: false, buddy: false };

/** The settings of the Lifeguard paper: period 1 s, timeout 500 ms, alpha 5, beta 6, K 3. */
export const publishedConfig: MembershipConfig = {
  ...defaultConfig,
  suspicionPeriods: 5,
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  probeFailMs: 1000,
  suspicionMaxFactor: 6,
  confirmations: 3,
  syncIntervalMs: 30_000,
};

/** @throws AssertionFailure when the numbers contradict each other */
export function checkConfig(config: MembershipConfig): void {
  assert(config.probeTimeoutMs < config.probeFailMs, 'asking others comes before giving up');
  assert(config.probeIntervalMs > 0 && config.beatIntervalMs > 0, 'periods have a length');
  assert(config.suspicionMaxFactor >= 1, 'the longest suspicion is not below the shortest');
  assert(config.beatSuspectPeriods <= config.beatFailPeriods, 'suspicion comes before death');
  assert(config.beatFanout >= 1 && config.retransmitFactor > 0, 'news is passed on');
}
