/**
 * Runs jobs from here while this node's voter leads.
 *
 * Invariants
 *   L1  There is a leader of jobs here exactly while the control log is led from here. It begins with
 *       what the log says and with what the nodes say that they run; no job is submitted again.
 *   L2  A leader of jobs that ends although the control log is still led from here (a decision that was
 *       not made in time) is followed by another one, a little later.
 *   L3  When leadership ends nothing is stopped: tasks go on, the next leader takes them over.
 */
import type { ControlLog, Role } from '../control/index.ts';
import type { Clock, Logger, Random, Timer } from '../core/index.ts';
import { type JobEvent, Leader } from '../leader/index.ts';
import type { Transport } from '../transport/index.ts';
import { JobNodes } from './job-nodes.ts';

/** Between the end of a leader of jobs and the next one of the same term (L2). */
const AGAIN_MS = 500;

export interface JobLeadershipOptions {
  readonly control: ControlLog;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Hears each line of the job logs. */
  readonly noted?: (job: string, event: JobEvent) => void;
  /** Begins what is to be done beside a leader of jobs; gives the way to end it. */
  readonly beside?: () => () => void;
}

type Phase =
  | { readonly kind: 'following' }
  | {
      readonly kind: 'leading';
      readonly leader: Leader;
      readonly nodes: JobNodes;
      endBeside(): void;
    }
  | { readonly kind: 'pausing'; readonly timer: Timer }
  | { readonly kind: 'closed' };

export class JobLeadership {
  readonly #options: JobLeadershipOptions;
  readonly #unsubscribe: () => void;
  #phase: Phase = { kind: 'following' };

  constructor(options: JobLeadershipOptions) {
    this.#options = options;
    this.#unsubscribe = options.control.onRole((role) => this.#roleChanged(role));
    this.#roleChanged(options.control.role);
  }

  /** The leader of jobs, when it is here. */
  get leader(): Leader | null {
    return this.#phase.kind === 'leading' ? this.#phase.leader : null;
  }

  /** Leads no more, whatever the control log says. */
  close(): void {
    this.#unsubscribe();
    this.#enter({ kind: 'closed' });
  }

  #roleChanged(role: Role): void {
    this.#enter({ kind: 'following' });
    if (role.kind === 'leader') this.#lead();
  }

  /** L1. */
  #lead(): void {
    const { control, transport, clock, random, log, noted } = this.#options;
    const leader = new Leader({
      control,
      clock,
      random,
      log,
      absentMs: null,
      ...(noted === undefined ? {} : { noted }),
      ended: () => this.#ended(leader),
    });
    const { term } = control;
    const nodes = new JobNodes({ leader, control, term, transport, clock, random, log });
    const endBeside = this.#options.beside?.() ?? (() => undefined);
    this.#enter({ kind: 'leading', leader, nodes, endBeside });
    log.info('jobs are led from here', { term });
  }

  /** L2. */
  #ended(leader: Leader): void {
    if (this.#phase.kind !== 'leading' || this.#phase.leader !== leader) return;
    const timer = this.#options.clock.timer(AGAIN_MS, () => {
      this.#enter({ kind: 'following' });
      if (this.#options.control.role.kind === 'leader') this.#lead();
    });
    this.#enter({ kind: 'pausing', timer });
  }

  #enter(next: Phase): void {
    const before = this.#phase;
    if (before.kind === 'closed') return;
    this.#phase = next;
    if (before.kind === 'pausing') before.timer.cancel();
    if (before.kind !== 'leading') return;
    before.endBeside();
    before.nodes.close();
    before.leader.close();
  }
}
