/**
 * Nodes that run attempts as a worker would, without tuples: a source has steps to make, an end of
 * stream travels from task to task and is acknowledged.
 *
 * What a task has logged (`TaskLog`) outlives its attempts; who has acknowledged is forgotten with
 * the attempt, so that a restarted producer must be answered again.
 */

import type { Order } from '../../../src/leader/index.ts';
import type { JobSpec } from '../../../src/plan/index.ts';
import {
  consumersOf,
  type JobPlan,
  planJob,
  producersOf,
  tasksOf,
} from '../../../src/plan/index.ts';
import type { TaskReport, TaskStart } from '../../../src/wire/index.ts';

export const SOURCE_STEPS = 4;

/** What survives an attempt. */
export interface TaskLog {
  steps: number;
  /** Producers whose end of stream is durable here. */
  readonly endsFrom: Set<number>;
}

export interface SimAttempt {
  readonly start: TaskStart;
  readonly plan: JobPlan;
  state: 'starting' | 'running' | 'quiet' | 'finished';
  paused: boolean;
  routes: ReadonlyMap<number, string>;
  readonly ackedBy: Set<number>;
}

export interface SimNode {
  readonly id: string;
  readonly address: string;
  readonly attempts: Map<string, SimAttempt>;
}

/** The durable side of all tasks, and the nodes that are up. */
export class SimNodes {
  readonly logs = new Map<string, TaskLog>();
  readonly nodes = new Map<string, SimNode>();

  logOf(stage: number, index: number): TaskLog {
    const key = `${stage}/${index}`;
    const log = this.logs.get(key) ?? { steps: 0, endsFrom: new Set<number>() };
    this.logs.set(key, log);
    return log;
  }

  /** Carries out an order; what the node says at once. */
  obey(node: SimNode, order: Order): TaskReport[] {
    if (order.kind === 'task-start') return this.#start(node, order);
    if (order.kind === 'task-routes') {
      for (const attempt of node.attempts.values()) {
        if (consumersOf(attempt.plan, attempt.start.stage).includes(order.stage)) {
          attempt.routes = new Map(order.routes);
        }
      }
      return [];
    }
    const key = `${order.stage}/${order.index}`;
    const attempt = node.attempts.get(key);
    if (attempt === undefined || attempt.start.epoch !== order.epoch) return [];
    if (order.mode === 'now') node.attempts.delete(key);
    if (order.mode === 'pause') attempt.paused = true;
    if (order.mode === 'end') this.logOf(order.stage, order.index).steps = SOURCE_STEPS;
    return [];
  }

  #start(node: SimNode, start: TaskStart): TaskReport[] {
    const attempt: SimAttempt = {
      start,
      plan: planJob(start.job, start.spec as JobSpec),
      state: 'starting',
      paused: false,
      routes: new Map(start.routes),
      ackedBy: new Set(),
    };
    node.attempts.set(`${start.stage}/${start.index}`, attempt);
    return [reportOf(attempt)];
  }

  /** Lets one attempt get on a little; what its node says then, if anything. */
  work(attempt: SimAttempt): TaskReport | null {
    const before = attempt.state;
    if (attempt.state === 'starting') attempt.state = 'running';
    else if (attempt.state !== 'finished') this.#advance(attempt);
    return attempt.state === before ? null : reportOf(attempt);
  }

  #advance(attempt: SimAttempt): void {
    const { stage, index } = attempt.start;
    const log = this.logOf(stage, index);
    const isSource = producersOf(attempt.plan, stage).length === 0;
    if (isSource && !attempt.paused && log.steps < SOURCE_STEPS) log.steps += 1;
    if (!this.#hasEnded(attempt, log)) {
      if (attempt.paused) attempt.state = 'quiet';
      return;
    }
    if (this.#sendEnds(attempt)) attempt.state = 'finished';
    else if (attempt.paused) attempt.state = 'running';
  }

  #hasEnded({ plan, start }: SimAttempt, log: TaskLog): boolean {
    const producers = producersOf(plan, start.stage);
    if (producers.length === 0) return log.steps >= SOURCE_STEPS;
    return producers.every((producer) => log.endsFrom.size === tasksOf(plan, producer).length);
  }

  /** Sends the end to every consumer it can reach; true when all have acknowledged. */
  #sendEnds(attempt: SimAttempt): boolean {
    const { plan, start } = attempt;
    const [consumer] = consumersOf(plan, start.stage);
    if (consumer === undefined) return true;
    for (const { stage, index } of tasksOf(plan, consumer)) {
      const there = this.#at(attempt.routes.get(index), `${stage}/${index}`);
      if (there === null || there.state === 'starting') continue;
      this.logOf(stage, index).endsFrom.add(start.index);
      attempt.ackedBy.add(index);
    }
    return attempt.ackedBy.size === tasksOf(plan, consumer).length;
  }

  #at(address: string | undefined, key: string): SimAttempt | null {
    for (const node of this.nodes.values()) {
      if (node.address === address) return node.attempts.get(key) ?? null;
    }
    return null;
  }
}

/** What a node says of `attempt`. */
export function reportOf(attempt: SimAttempt, over: Partial<TaskReport> = {}): TaskReport {
  const { job, stage, index, epoch } = attempt.start;
  return {
    kind: 'task-report',
    job,
    stage,
    index,
    epoch,
    state: attempt.state,
    fault: null,
    counts: { in: epoch },
    pids: [epoch],
    operator: 'op',
    logFile: 'log',
    rate: 1,
    ...over,
  };
}
