/**
 * One step in the making: the state as it becomes, and the effects so far.
 *
 * 1. The state that a step began with is never changed, but for its gauges; each change makes a new
 *    one, and a turn that changed nothing still has the very same.
 * 2. A decision is proposed once: while a command is pending, the same decision is not made again.
 * 3. Orders go to connected nodes only. Nothing is queued: who reconnects is told what still holds.
 */

import { type Command, taskKey } from '../control/index.ts';
import { present } from '../core/index.ts';
import type { Effect, JobRun, LeaderState, Order } from './state.ts';

/** What a command decides; one of a kind is under way at a time. Null: of no concern here. */
export function decisionOf(command: Command): string | null {
  switch (command.kind) {
    case 'node-admit':
    case 'node-remove':
      return `${command.kind} ${command.node}`;
    case 'job-state':
      return command.from === undefined ? null : `job-state ${command.job}`;
    case 'assign':
    case 'task-done':
      return `${command.kind} ${command.job} ${taskKey(command.stage, command.index)}`;
    case 'slots':
      return `slots ${command.job} ${command.stage}`;
    default:
      return null;
  }
}

/** See the essay above. */
export class Turn {
  readonly at: number;
  readonly effects: Effect[] = [];
  state: LeaderState;

  constructor(state: LeaderState, at: number) {
    this.state = state;
    this.at = at;
  }

  propose(command: Command): void {
    const decision = present(decisionOf(command), `a leader decides ${command.kind}`);
    if (this.state.pending.has(decision)) return;
    const pending = new Map(this.state.pending).set(decision, command);
    this.state = { ...this.state, pending };
    this.effects.push({ kind: 'propose', command });
  }

  isPending(decision: string): boolean {
    return this.state.pending.has(decision);
  }

  /** Sends `message` when `node` is connected; says whether it was. */
  order(node: string, message: Order): boolean {
    if (!this.state.links.has(node)) return false;
    this.effects.push({ kind: 'order', node, message });
    return true;
  }

  setRun(run: JobRun): void {
    this.state = { ...this.state, runs: new Map(this.state.runs).set(run.job, run) };
    this.changed(run.job);
  }

  changed(job: string): void {
    const known = this.effects.some((effect) => effect.kind === 'changed' && effect.job === job);
    if (!known) this.effects.push({ kind: 'changed', job });
  }
}
