/** What clients ask for, as decisions of the control log; refusals become sentences. */

import {
  type Command,
  type ControlState,
  isLive,
  type JobRecord,
  type JobState,
  type Outcome,
} from '../control/index.ts';
import { fault, type Random } from '../core/index.ts';
import { type JobSpec, specFingerprint } from '../plan/index.ts';
import { isResting, type JobView } from './views.ts';

/** `drain`: what has been read takes effect first. `now`: nothing is waited for. */
export type StopMode = 'drain' | 'now';

type Wish = Command extends infer C ? (C extends Command ? Omit<C, 'term' | 'at'> : never) : never;

export interface RequestsOptions {
  readonly random: Random;
  readonly propose: (wish: Wish) => Promise<Outcome>;
  readonly control: () => ControlState;
  readonly whenResting: (job: string) => Promise<JobView>;
}

export class Requests {
  readonly #options: RequestsOptions;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  async submit(spec: JobSpec, options: { id?: string; resumeOf?: string }): Promise<string> {
    const fingerprint = specFingerprint(spec);
    if (options.resumeOf !== undefined) {
      const { job, fingerprint: before } = this.#known(options.resumeOf);
      if (before !== fingerprint) throw fault('JOB_CHANGED', { job });
      await this.resume(job);
      return job;
    }
    const job = options.id ?? uuid(this.#options.random);
    const { name } = spec;
    const wish = { kind: 'job-submit', job, name, spec: { ...spec }, fingerprint } as const;
    const outcome = await this.#options.propose(wish);
    if (outcome.ok) return job;
    if (outcome.why === 'name-taken') {
      throw fault('JOB_NAME_TAKEN', { name, job: outcome.of ?? name });
    }
    if (outcome.why === 'job-exists') throw fault('JOB_EXISTS', { job });
    throw fault('CONTROL_UNAVAILABLE', { reason: outcome.why });
  }

  async stop(job: string, mode: StopMode): Promise<void> {
    const { state } = this.#known(job);
    const [to, enough] = stopMoves[mode];
    if (enough.includes(state)) return;
    if (!isLive(state)) throw fault('JOB_STATE_REFUSED', { job, state, wish: 'stopped' });
    await this.#move(job, to, 'stopped');
  }

  async suspend(job: string): Promise<JobView> {
    const { state } = this.#known(job);
    if (state !== 'suspending' && !isResting(state)) {
      await this.#move(job, 'suspending', 'suspended');
    }
    return this.#options.whenResting(job);
  }

  async resume(job: string): Promise<void> {
    if (this.#known(job).state === 'suspending') await this.#options.whenResting(job);
    const { state, draining } = this.#known(job);
    if (atWork.includes(state)) return;
    await this.#move(job, draining ? 'stopping' : 'starting', 'resumed');
  }

  async #move(job: string, to: JobState, wish: string): Promise<void> {
    const outcome = await this.#options.propose({ kind: 'job-state', job, to });
    if (outcome.ok) return;
    if (outcome.why === 'name-taken') {
      const { name } = this.#known(job);
      throw fault('JOB_NAME_TAKEN', { name, job: outcome.of ?? name });
    }
    if (outcome.why !== 'illegal-transition') {
      throw fault('CONTROL_UNAVAILABLE', { reason: outcome.why });
    }
    throw fault('JOB_STATE_REFUSED', { job, state: outcome.of ?? 'elsewhere', wish });
  }

  #known(job: string): JobRecord {
    const record = this.#options.control().jobs.get(job);
    if (record === undefined) throw fault('JOB_UNKNOWN', { job });
    return record;
  }
}

const atWork: readonly JobState[] = ['submitted', 'starting', 'running', 'finishing'];

/** For each way to stop: where the job is sent, and the states from which it gets there anyway. */
const stopMoves: Readonly<Record<StopMode, readonly [JobState, readonly JobState[]]>> = {
  drain: ['stopping', ['stopping', 'finishing', 'finished', 'stopped']],
  now: ['cancelling', ['cancelling', 'cancelled']],
};

/** A random UUID (RFC 9562, version 4). */
function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return [0, 8, 12, 16, 20].map((at, i, all) => hex.slice(at, all[i + 1])).join('-');
}
