/**
 * A cluster in which the leader as shipped runs one job, driven by a seed.
 *
 * The control log applies proposals in order and later; messages wait in a queue for each direction
 * of each node; nodes die (a new one comes in their place), get disconnected and come back; the
 * leader's process dies and is followed by one with the next term. What must never happen is checked
 * at each step; `broken` says what did.
 */
import {
  apply,
  type Command,
  type ControlState,
  emptyState,
  isLive,
  type JobState,
  restore,
  snapshot,
} from '../../../src/control/index.ts';
import { between, type Random, seededRandom, unit } from '../../../src/core/index.ts';
import {
  type Effect,
  type Input,
  initialState,
  type LeaderState,
  type Order,
  step,
} from '../../../src/leader/index.ts';
import { consumersOf, type JobSpec, planJob, tasksOf } from '../../../src/plan/index.ts';
import type { TaskReport, TaskStart } from '../../../src/wire/index.ts';
import { reportOf, type SimNode, SimNodes, SOURCE_STEPS } from './sim-nodes.ts';
import { specOf } from './specs.ts';

export const JOB = 'job-1';

/** The parts that a planted bug replaces. */
export interface Parts {
  readonly step: typeof step;
  readonly apply: typeof apply;
}

export const asShipped: Parts = { step, apply };

interface Link {
  readonly node: SimNode;
  connected: boolean;
  readonly orders: Order[];
  readonly reports: TaskReport[];
}

type Fact = Input extends infer I ? (I extends Input ? Omit<I, 'at'> : never) : never;

/** How wild a run is: chances per step, in thousandths. */
export interface Chaos {
  readonly kill: number;
  readonly cut: number;
  readonly crash: number;
  readonly ask: number;
  readonly fail: number;
}

export const calm: Chaos = { kill: 0, cut: 0, crash: 0, ask: 0, fail: 0 };

export class World {
  broken: string | null = null;
  readonly random: Random;
  readonly spec: JobSpec;
  /** States the job has been in. */
  readonly seen = new Set<JobState>();
  /** How often each kind of trouble came about. */
  readonly troubles: Record<keyof Chaos, number> = { kill: 0, cut: 0, crash: 0, ask: 0, fail: 0 };
  control: ControlState = emptyState;
  readonly #parts: Parts;
  readonly #sim = new SimNodes();
  readonly #links = new Map<string, Link>();
  /** Reports of nodes that are gone, still on their way. */
  readonly #late: { readonly node: string; readonly report: TaskReport }[] = [];
  #proposals: Command[] = [];
  #leader: LeaderState;
  #term = 0;
  #boots = 0;
  #endings = 0;
  readonly #started = new Set<string>();
  readonly #finishedBy = new Set<string>();

  readonly #acts: readonly (readonly [keyof Chaos, () => void])[] = [
    ['kill', () => this.#kill()],
    ['cut', () => this.#cut()],
    ['crash', () => this.#crash()],
    ['ask', () => this.#ask()],
  ];

  constructor(seed: number, parts: Parts = asShipped) {
    this.random = seededRandom(seed);
    this.#parts = parts;
    const stages = Array.from({ length: between(this.random, 1, 4) }, () => {
      return between(this.random, 1, 4);
    });
    this.spec = specOf(between(this.random, 1, 3), stages);
    this.#leader = this.#newLeader();
    for (let host = 1; host <= between(this.random, 1, 4); host++) this.#boot(`h${host}:1`);
    const { name } = this.spec;
    const spec = { ...this.spec };
    this.#propose({ kind: 'job-submit', job: JOB, name, spec, fingerprint: 'f' });
  }

  get job(): ReturnType<ControlState['jobs']['get']> {
    return this.control.jobs.get(JOB);
  }

  /** Runs for `steps` under `chaos`, then calmly to the end of the job. */
  run(steps: number, chaos: Chaos): string | null {
    for (let i = 0; i < steps && this.broken === null; i++) this.#turn(chaos);
    for (const link of this.#links.values()) if (!link.connected) this.#reconnect(link);
    for (let i = 0; i < 6000 && this.broken === null; i++) {
      const idle = !this.#turn(calm);
      if (this.job?.state === 'suspended' && this.#proposals.length === 0) {
        this.#resume();
      } else if (idle) break;
    }
    if (this.broken === null) this.#checkEnd();
    return this.broken;
  }

  /** One thing happens; false when nothing was to do. */
  #turn(chaos: Chaos): boolean {
    const dice = unit(this.random) * 1000;
    let below = 0;
    for (const [trouble, act] of this.#acts) {
      below += chaos[trouble];
      if (dice >= below) continue;
      this.troubles[trouble] += 1;
      act();
      return true;
    }
    return this.#ordinary(chaos);
  }

  #ordinary(chaos: Chaos): boolean {
    const choices: (() => void)[] = [];
    if (this.#proposals.length > 0) choices.push(() => this.#applyNext());
    if (this.#late.length > 0) choices.push(() => this.#deliverLate());
    for (const link of this.#links.values()) {
      if (link.connected && link.orders.length > 0) choices.push(() => this.#obey(link));
      if (link.connected && link.reports.length > 0) choices.push(() => this.#hear(link));
      if (link.node.attempts.size > 0) choices.push(() => this.#work(link, chaos));
    }
    if (choices.length === 0) return false;
    choices[between(this.random, 0, choices.length)]();
    return this.#proposals.length > 0 || choices.length > 0;
  }

  #newLeader(): LeaderState {
    this.#term += 1;
    const begin: Command = { kind: 'term-begin', term: this.#term, at: 0 };
    this.control = this.#parts.apply(this.control, begin).state;
    this.#leader = initialState(this.#term, this.control);
    this.#feed({ kind: 'began', hold: false });
    return this.#leader;
  }

  #feed(fact: Fact): void {
    const { state, effects } = this.#parts.step(this.#leader, { ...fact, at: 1 });
    this.#leader = state;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: Effect): void {
    if (effect.kind === 'propose') this.#proposals.push(effect.command);
    if (effect.kind !== 'order') return;
    this.#checkOrder(effect.message);
    const link = this.#links.get(effect.node);
    if (link?.connected) link.orders.push(effect.message);
  }

  #propose(wish: { kind: 'job-submit' | 'job-state' } & Record<string, unknown>): void {
    this.#proposals.push({ ...wish, term: this.#term, at: 1 } as unknown as Command);
  }

  #applyNext(): void {
    const [command] = this.#proposals.splice(0, 1);
    const before = this.job;
    const { state, outcome } = this.#parts.apply(this.control, command);
    this.control = state;
    const now = this.job;
    if (now !== undefined) this.seen.add(now.state);
    if (now?.state === 'finished' && this.seen.has('stopping')) {
      this.broken ??= 'the wish to stop was forgotten';
    }
    if (before !== undefined && now !== undefined && isLive(before.state) && !isLive(now.state)) {
      this.#endings += 1;
    }
    if (command.kind === 'task-done' && outcome.ok) {
      const name = `${command.stage}/${command.index}#${command.epoch}`;
      if (!this.#finishedBy.has(name)) this.broken ??= `${name} was recorded and never finished`;
    }
    const index = state.index;
    this.#feed({ kind: 'applied', applied: { index, command, outcome, state } });
  }

  #boot(place: string): void {
    this.#boots += 1;
    const id = `${place}#${this.#boots}`;
    const node: SimNode = { id, address: `${place}.${this.#boots}`, attempts: new Map() };
    this.#sim.nodes.set(id, node);
    const link: Link = { node, connected: true, orders: [], reports: [] };
    this.#links.set(id, link);
    this.#connect(link);
  }

  #connect(link: Link): void {
    link.connected = true;
    const { id: node, address, attempts } = link.node;
    const running = [...attempts.values()].map(({ start }) => {
      const { job, stage, index, epoch } = start;
      return { job, stage, index, epoch };
    });
    this.#feed({ kind: 'node-connected', facts: { node, address, cores: 1 }, running });
  }

  #reconnect(link: Link): void {
    link.orders.length = 0;
    link.reports.length = 0;
    this.#connect(link);
    for (const attempt of link.node.attempts.values()) link.reports.push(reportOf(attempt));
  }

  #pick(): Link {
    const links = [...this.#links.values()];
    return links[between(this.random, 0, links.length)];
  }

  #kill(): void {
    const { node, reports } = this.#pick();
    this.#sim.nodes.delete(node.id);
    this.#links.delete(node.id);
    for (const report of reports) this.#late.push({ node: node.id, report });
    this.#feed({ kind: 'node-dead', node: node.id });
    this.#boot(node.id.split('#')[0]);
  }

  #cut(): void {
    const link = this.#pick();
    if (!link.connected) {
      this.#reconnect(link);
      return;
    }
    link.connected = false;
    this.#feed({ kind: 'node-disconnected', node: link.node.id });
  }

  /** The leader's process dies: what it had proposed may or may not be in the log. */
  #crash(): void {
    const survive = between(this.random, 0, this.#proposals.length + 1);
    for (const command of this.#proposals.splice(0).slice(0, survive)) {
      this.#proposals = [];
      const before = this.job;
      const next = this.#parts.apply(this.control, command);
      this.control = next.state;
      const now = this.job;
      if (before !== undefined && now !== undefined && isLive(before.state) && !isLive(now.state)) {
        this.#endings += 1;
      }
    }
    this.#proposals = [];
    this.control = restore(snapshot(this.control));
    const wholeProcess = unit(this.random) < 0.5;
    if (wholeProcess) {
      this.#links.clear();
      this.#sim.nodes.clear();
    }
    this.#newLeader();
    if (this.job === undefined) {
      const { name } = this.spec;
      const spec = { ...this.spec };
      this.#propose({ kind: 'job-submit', job: JOB, name, spec, fingerprint: 'f' });
    }
    if (wholeProcess) for (let host = 1; host <= 2; host++) this.#boot(`h${host}:1`);
    else for (const link of this.#links.values()) this.#reconnect(link);
    for (const node of this.control.nodes.keys()) {
      if (!this.#links.has(node)) this.#feed({ kind: 'node-dead', node });
    }
  }

  #ask(): void {
    const wish = (['suspend', 'stop', 'cancel'] as const)[between(this.random, 0, 3)];
    if (wish === 'cancel' && unit(this.random) < 0.8) return;
    const to = { suspend: 'suspending', stop: 'stopping', cancel: 'cancelling' }[wish];
    if (this.job?.state === 'suspended') this.#resume();
    else this.#propose({ kind: 'job-state', job: JOB, to });
  }

  #resume(): void {
    const to = this.job?.draining ? 'stopping' : 'starting';
    this.#propose({ kind: 'job-state', job: JOB, to });
  }

  #obey(link: Link): void {
    const [order] = link.orders.splice(0, 1);
    if (order.kind === 'task-start') this.#checkStart(order);
    link.reports.push(...this.#sim.obey(link.node, order));
  }

  #hear(link: Link): void {
    const [report] = link.reports.splice(0, 1);
    this.#feed({ kind: 'report', node: link.node.id, report });
  }

  #deliverLate(): void {
    const [{ node, report }] = this.#late.splice(0, 1);
    this.#feed({ kind: 'report', node, report });
  }

  #work(link: Link, chaos: Chaos): void {
    const attempts = [...link.node.attempts.values()];
    const attempt = attempts[between(this.random, 0, attempts.length)];
    const { stage, index, epoch } = attempt.start;
    if (unit(this.random) * 1000 < chaos.fail) {
      this.troubles.fail += 1;
      const code = unit(this.random) < 0.7 ? 'FENCED' : 'OPERATOR_LOST';
      const fault = { code, message: 'it broke', parameters: {} };
      link.node.attempts.delete(`${stage}/${index}`);
      link.reports.push(reportOf(attempt, { state: 'failed', fault }));
      return;
    }
    const report = this.#sim.work(attempt);
    if (report === null) return;
    if (report.state === 'finished') this.#finishedBy.add(`${stage}/${index}#${epoch}`);
    link.reports.push(report);
  }

  #checkStart({ stage, index, epoch }: TaskStart): void {
    const name = `${stage}/${index}#${epoch}`;
    if (this.#started.has(name)) this.broken ??= `${name} was started twice`;
    this.#started.add(name);
  }

  #checkOrder(order: Order): void {
    const { job } = this;
    if (job === undefined) return;
    const late = !isLive(job.state) && !(order.kind === 'task-stop' && order.mode === 'now');
    if (late) this.broken ??= `${order.kind} after the end`;
    if (order.kind !== 'task-start') return;
    const { stage, index, epoch } = order;
    if (job.tasks.get(`${stage}/${index}`)?.epoch !== epoch) {
      this.broken ??= `${stage}/${index}#${epoch} was ordered before it was decided`;
    }
    const plan = planJob(JOB, this.spec);
    for (const consumer of consumersOf(plan, stage).flatMap((each) => tasksOf(plan, each))) {
      const at = job.tasks.get(`${consumer.stage}/${consumer.index}`);
      const up =
        at !== undefined && this.#started.has(`${consumer.stage}/${consumer.index}#${at.epoch}`);
      if (!up) this.broken ??= `${stage}/${index} was started before its consumers`;
    }
  }

  #checkEnd(): void {
    const { job } = this;
    if (job === undefined || isLive(job.state)) {
      this.broken = `the job never ended: ${job?.state ?? 'unknown'}`;
    } else if (this.#endings !== 1) {
      this.broken = `the job ended ${this.#endings} times`;
    } else if (job.state === 'finished' || job.state === 'stopped') {
      this.#checkResult();
    }
    const left = [...this.#links.values()].reduce((sum, { node }) => sum + node.attempts.size, 0);
    if (left > 0) this.broken ??= `${left} attempts were left running`;
  }

  #checkResult(): void {
    for (const { stage, index } of planJob(JOB, this.spec).tasks) {
      const { steps, endsFrom } = this.#sim.logOf(stage, index);
      const complete = stage === 0 ? steps >= SOURCE_STEPS : endsFrom.size > 0;
      if (!complete) this.broken ??= `${stage}/${index} is done and its work is not`;
    }
  }
}
