/** How inputs become facts of the leader's state. Nothing is decided here. */
import {
  type Applied,
  type Command,
  isLive,
  type JobRecord,
  type JobState,
} from '../control/index.ts';
import { reasonOf, unreachable } from '../core/index.ts';
import { decodeJobSpec, planJob } from '../plan/index.ts';
import { noteMove } from './job-notes.ts';
import { jobTurn } from './job-turn.ts';
import { dropLost, recordConnected, removeNode, unlink } from './record-nodes.ts';
import { recordReport } from './record-report.ts';
import { freshAttempt, type Input } from './state.ts';
import { letGo } from './tasks.ts';
import { decisionOf, type Turn } from './turn.ts';

type Moved = Extract<Command, { kind: 'job-state' }>;

/** Changes the turn's state by what `input` says; attempts that are lost or done are let go. */
export function record(turn: Turn, input: Input): void {
  switch (input.kind) {
    case 'began':
      for (const job of turn.state.control.jobs.values()) openRun(turn, job, input.hold);
      break;
    case 'applied':
      recordApplied(turn, input.applied);
      break;
    case 'node-connected':
      recordConnected(turn, input);
      break;
    case 'node-disconnected':
      unlink(turn, input.node);
      break;
    case 'node-dead':
      unlink(turn, input.node);
      removeNode(turn, input.node);
      break;
    case 'report':
      recordReport(turn, input.node, input.report);
      break;
    default:
      unreachable(input);
  }
}

function openRun(turn: Turn, record: JobRecord, hold: boolean): void {
  const held = hold && isLive(record.state);
  const blank = { held, attempts: new Map(), past: new Map(), fault: null, events: [] };
  try {
    const plan = planJob(record.job, decodeJobSpec(record.spec));
    turn.setRun({ job: record.job, plan, ...blank });
  } catch (error) {
    if (isLive(record.state)) failUnread(turn, record, reasonOf(error));
  }
}

/** A job whose description this program cannot read is not run; its record says why. */
function failUnread(turn: Turn, { job, state }: JobRecord, reason: string): void {
  const { term } = turn.state;
  turn.propose({ kind: 'job-state', term, job, from: state, to: 'failed', reason, at: turn.at });
}

function recordApplied(turn: Turn, { command, outcome, state: control }: Applied): void {
  const before = turn.state.control;
  turn.state = { ...turn.state, control };
  forgetPending(turn, command);
  if (!outcome.ok) return;
  if (control.jobs !== before.jobs) forgetRuns(turn);
  if (control.nodes !== before.nodes) dropLost(turn);
  if ('job' in command) turn.changed(command.job);
  recordDecision(turn, command, outcome.epoch ?? 0);
  if (command.kind === 'job-state') forgetFault(turn, command, before.jobs.get(command.job)?.state);
}

/** A failed job that goes on, to its end or to a stop, has no fault any more. */
function forgetFault(turn: Turn, { job: id, to }: Moved, from: JobState | undefined): void {
  const job = jobTurn(turn, id);
  if (job === null || !(to === 'starting' || from === 'failed')) return;
  turn.setRun({ ...job.run, fault: null });
}

function forgetPending(turn: Turn, command: Command): void {
  const decision = decisionOf(command);
  if (decision === null || !turn.isPending(decision)) return;
  const pending = new Map(turn.state.pending);
  pending.delete(decision);
  turn.state = { ...turn.state, pending };
}

function recordDecision(turn: Turn, command: Command, epoch: number): void {
  const { control } = turn.state;
  if (command.kind === 'job-submit') {
    const job = control.jobs.get(command.job);
    if (job !== undefined) openRun(turn, job, false);
  }
  const job = 'job' in command ? jobTurn(turn, command.job) : null;
  if (job === null) return;
  if (command.kind === 'job-submit' || command.kind === 'job-state') noteMove(job);
  if (command.kind === 'assign') job.setAttempt(freshAttempt({ ...command, epoch }));
  if (command.kind === 'task-done') {
    const attempt = job.attempt(command);
    if (attempt !== undefined) letGo(job, attempt);
  }
}

function forgetRuns(turn: Turn): void {
  const { control, runs } = turn.state;
  const kept = [...runs].filter(([job]) => control.jobs.has(job));
  if (kept.length === runs.size) return;
  turn.state = { ...turn.state, runs: new Map(kept) };
  for (const job of runs.keys()) if (!control.jobs.has(job)) turn.changed(job);
}
