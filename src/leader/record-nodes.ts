/**
 * What the coming and going of nodes changes.
 *
 * 1. An attempt is lost when its node is not of the cluster any more, or came back without it. A node
 *    that is only disconnected keeps its attempts.
 * 2. A node that comes back is told everything that still holds again: orders may have been lost.
 */
import { taskKey } from '../control/index.ts';
import type { Attempt } from '../plan/index.ts';
import type { TaskStop } from '../wire/index.ts';
import { jobTurn } from './job-turn.ts';
import { type AttemptRecord, freshAttempt, type Input, type JobRun } from './state.ts';
import type { Turn } from './turn.ts';

/** Attempts on nodes that are not of the cluster any more are lost. */
export function dropLost(turn: Turn): void {
  const { control, links, runs } = turn.state;
  const gone = [...links.keys()].filter((node) => !control.nodes.has(node));
  for (const node of gone) if (!turn.isPending(`node-admit ${node}`)) unlink(turn, node);
  for (const run of runs.values()) {
    for (const attempt of run.attempts.values()) {
      if (!control.nodes.has(attempt.node)) lose(turn, run, attempt);
    }
  }
}

function lose(turn: Turn, run: JobRun, attempt: AttemptRecord): void {
  const job = jobTurn(turn, run.job);
  if (job === null) return;
  job.noteTask('task-lost', attempt, 'was lost with its node');
  job.dropAttempt(attempt);
}

/** `node` cannot be talked to. */
export function unlink(turn: Turn, node: string): void {
  const links = new Map(turn.state.links);
  links.delete(node);
  turn.state = { ...turn.state, links };
}

/** Proposes that `node` is not of the cluster any more. */
export function removeNode(turn: Turn, node: string): void {
  const { control, term } = turn.state;
  if (!control.nodes.has(node)) return;
  turn.propose({ kind: 'node-remove', term, node, at: turn.at });
}

/** `node` can be talked to, and says what it runs. */
export function recordConnected(
  turn: Turn,
  input: Extract<Input, { kind: 'node-connected' }>,
): void {
  const { facts, running } = input;
  const { node, address, cores } = facts;
  const { control, links, term } = turn.state;
  turn.state = { ...turn.state, links: new Map(links).set(node, facts) };
  for (const run of turn.state.runs.values()) keepRunningOnly(turn, run, node, running);
  for (const attempt of running) if (!adopt(turn, node, attempt)) stopStray(turn, node, attempt);
  if (control.nodes.get(node)?.address === address) return;
  turn.propose({ kind: 'node-admit', term, node, address, cores, at: turn.at });
}

/** Of the attempts believed to be on `node`, those it still runs stay, to be told all again. */
function keepRunningOnly(turn: Turn, run: JobRun, node: string, running: readonly Attempt[]): void {
  const job = jobTurn(turn, run.job);
  if (job === null) return;
  for (const attempt of run.attempts.values()) {
    if (attempt.node !== node || attempt.phase === 'assigned') continue;
    if (running.some((other) => isSame(other, run.job, attempt))) {
      job.setAttempt({ ...attempt, asked: null, routes: '' });
    } else {
      job.noteTask('task-lost', attempt, 'was lost while its node was disconnected');
      job.dropAttempt(attempt);
    }
  }
}

function isSame(a: Attempt, job: string, b: AttemptRecord): boolean {
  return a.job === job && a.stage === b.stage && a.index === b.index && a.epoch === b.epoch;
}

/** Takes over what an earlier leader started; false when `attempt` has no right to run. */
function adopt(turn: Turn, node: string, attempt: Attempt): boolean {
  const job = jobTurn(turn, attempt.job);
  if (job === null || !job.isLive) return false;
  const known = job.attempt(attempt);
  if (known !== undefined) return isSame(attempt, attempt.job, known) && known.node === node;
  const decided = job.record.tasks.get(taskKey(attempt.stage, attempt.index));
  const right = decided?.epoch === attempt.epoch && decided.node === node && decided.done === null;
  if (right) job.setAttempt({ ...freshAttempt({ ...attempt, node }), phase: 'ordered' });
  return right;
}

function stopStray(turn: Turn, node: string, attempt: Attempt): void {
  const { job, stage, index, epoch } = attempt;
  const { term } = turn.state;
  const message: TaskStop = { kind: 'task-stop', term, job, stage, index, epoch, mode: 'now' };
  turn.order(node, message);
}
