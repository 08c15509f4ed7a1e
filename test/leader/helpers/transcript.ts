/**
 * A leader driven by lines of text, and what it does as lines of text.
 *
 *   > node a                     a node connects (and is decided to be of the cluster)
 *   > a 1/0 running              node a reports on task 1/0, newest epoch
 *   propose assign 1/0 on a      the leader's proposals are applied at once, in order
 *   a <- start 1/0#1 to 10@a     orders, with the addresses of the consumers
 *
 * Addresses are `<index>@<node>`. Lines that begin with a space are answers.
 */
import {
  apply,
  type Command,
  type ControlState,
  emptyState,
  type JobState,
} from '../../../src/control/index.ts';
import {
  type Effect,
  type Input,
  initialState,
  type LeaderState,
  type Order,
  step,
} from '../../../src/leader/index.ts';
import type { JobSpec } from '../../../src/plan/index.ts';

type Fact = Input extends infer I ? (I extends Input ? Omit<I, 'at'> : never) : never;
type Wish = Command extends infer C ? (C extends Command ? Omit<C, 'term' | 'at'> : never) : never;

export class Transcript {
  control: ControlState;
  leader: LeaderState;
  readonly #term: number;
  readonly #proposals: Command[] = [];
  #lines: string[] = [];

  constructor(control: ControlState = emptyState, hold = false) {
    this.#term = control.term + 1;
    this.control = apply(control, { kind: 'term-begin', term: this.#term, at: 0 }).state;
    this.leader = initialState(this.#term, this.control);
    this.#feed({ kind: 'began', hold });
  }

  submit(spec: JobSpec, job = 'j'): string[] {
    const { name } = spec;
    return this.decide({ kind: 'job-submit', job, name, spec: { ...spec }, fingerprint: 'f' });
  }

  move(to: JobState): string[] {
    return this.decide({ kind: 'job-state', job: 'j', to });
  }

  decide(wish: Wish): string[] {
    this.#proposals.push({ ...wish, term: this.#term, at: 1 });
    return this.#answers();
  }

  connect(node: string, running: readonly string[] = []): string[] {
    const attempts = running.map((text) => {
      const [stage, index, epoch] = text.split(/[/#]/).map(Number);
      return { job: 'j', stage, index, epoch };
    });
    const facts = { node, address: `@${node}`, cores: 1 };
    this.#feed({ kind: 'node-connected', facts, running: attempts });
    return this.#answers();
  }

  disconnect(node: string): string[] {
    this.#feed({ kind: 'node-disconnected', node });
    return this.#answers();
  }

  dead(node: string): string[] {
    this.#feed({ kind: 'node-dead', node });
    return this.#answers();
  }

  /** `a 1/0 running`, `a 1/0#3 finished`, `a 1/0 failed it broke` */
  report(...reports: string[]): string[] {
    for (const line of reports) this.#report(line);
    return this.#answers();
  }

  get state(): JobState | undefined {
    return this.control.jobs.get('j')?.state;
  }

  #report(line: string): void {
    const [node, task, state, ...words] = line.split(' ');
    const [place, said] = task.split('#');
    const [stage, index] = place.split('/').map(Number);
    const epoch = Number(said ?? this.control.jobs.get('j')?.tasks.get(place)?.epoch ?? 0);
    const message = words.join(' ');
    const codes: Record<string, string> = { fenced: 'FENCED', unserved: 'REPLICA_NOT_READY' };
    const code = codes[message] ?? 'OPERATOR_LOST';
    const fault = state === 'failed' ? { code, message, parameters: {} } : null;
    const what = { kind: 'task-report', job: 'j', stage, index, epoch, state, fault } as const;
    const facts = { counts: { in: 10 * epoch }, pids: [100 + epoch], operator: 'filter.py' };
    const report = { ...what, ...facts, logFile: 'task.log', rate: 1 };
    this.#feed({ kind: 'report', node, report });
  }

  #answers(): string[] {
    for (let next = this.#proposals.shift(); next !== undefined; next = this.#proposals.shift()) {
      const { state, outcome } = apply(this.control, next);
      this.control = state;
      if (!outcome.ok) this.#lines.push(`refused ${said(next)}: ${outcome.why}`);
      this.#feed({
        kind: 'applied',
        applied: { index: state.index, command: next, outcome, state },
      });
    }
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  #feed(fact: Fact): void {
    const { state, effects } = step(this.leader, { ...fact, at: 1 });
    this.leader = state;
    for (const effect of effects) this.#effect(effect);
  }

  #effect(effect: Effect): void {
    if (effect.kind === 'propose') {
      this.#proposals.push(effect.command);
      if (effect.command.kind !== 'slots') this.#lines.push(`propose ${said(effect.command)}`);
    }
    if (effect.kind === 'order') this.#lines.push(`${effect.node} <- ${ordered(effect.message)}`);
  }
}

function said(command: Command): string {
  switch (command.kind) {
    case 'assign':
      return `assign ${command.stage}/${command.index} on ${command.node}`;
    case 'task-done':
      return `done ${command.stage}/${command.index}#${command.epoch}`;
    case 'job-state':
      return command.reason === undefined ? command.to : `${command.to}: ${command.reason}`;
    case 'node-admit':
    case 'node-remove':
      return `${command.kind} ${command.node}`;
    default:
      return command.kind;
  }
}

function ordered(order: Order): string {
  if (order.kind === 'task-routes') return `routes of ${order.stage}: ${routes(order.routes)}`;
  const task = `${order.stage}/${order.index}#${order.epoch}`;
  if (order.kind === 'task-stop') return `stop ${task} ${order.mode}`;
  return order.routes.length === 0 ? `start ${task}` : `start ${task} to ${routes(order.routes)}`;
}

function routes(all: readonly (readonly [number, string])[]): string {
  return all.map(([index, address]) => `${index}${address}`).join(' ');
}
