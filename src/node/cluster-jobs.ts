/**
 * Jobs as any node of a cluster answers for them: whoever leads is asked.
 *
 * Invariants
 *   J1  What is asked while nobody leads, or while the leader changes, is asked again for
 *       `PATIENCE_MS`; then the answer is one sentence.
 *   J2  A request is sent on once: the node that is asked as the leader answers or refuses.
 *   J3  Whoever watches a job goes on watching it under the next leader.
 */
import { type Clock, fault, isFault, reasonOf, sleep } from '../core/index.ts';
import { isResting, type JobView, type TaskView } from '../leader/index.ts';
import { clusterSpec, type JobSpec } from '../plan/index.ts';
import { openRpc, type Transport } from '../transport/index.ts';
import type { Verdict } from '../verify/index.ts';
import { RemoteJobs } from './methods.ts';
import type { JobService, SubmitRequest, Submitted } from './service.ts';

/** Longer than an election on a slow machine. */
const PATIENCE_MS = 20_000;
const AGAIN_MS = 200;
/** What sets requests to the leader apart from those to any node. */
export const LEADER_PREFIX = 'leader.';

export interface ClusterJobsOptions {
  /** the jobs that are led from here, if any are */
  readonly here: () => JobService | null;
  /** address of the node that leads; null while none is known */
  readonly leader: () => string | null;
  readonly transport: Transport;
  readonly clock: Clock;
}

export class ClusterJobs implements JobService {
  readonly #options: ClusterJobsOptions;
  readonly #over = new AbortController();

  constructor(options: ClusterJobsOptions) {
    this.#options = options;
  }

  async submit(request: SubmitRequest): Promise<Submitted> {
    const spec = clusterSpec(request.spec);
    return this.#ask((jobs) => jobs.submit({ ...request, spec }));
  }

  jobs(): Promise<readonly JobView[]> {
    return this.#ask((jobs) => jobs.jobs());
  }

  job(job: string): Promise<JobView> {
    return this.#ask((jobs) => jobs.job(job));
  }

  tasks(job?: string): Promise<readonly TaskView[]> {
    return this.#ask((jobs) => jobs.tasks(job));
  }

  /** J3. */
  async *watch(job: string, signal?: AbortSignal): AsyncGenerator<JobView> {
    const { job: id } = await this.job(job);
    let until = this.#deadline();
    while (signal?.aborted !== true) {
      try {
        for await (const view of this.#watchOnce(id, signal)) {
          until = this.#deadline();
          yield view;
          if (isResting(view.state)) return;
        }
      } catch (error) {
        await this.#pause(error, until);
      }
    }
  }

  stop(job: string, mode: 'end' | 'now'): Promise<JobView> {
    return this.#ask((jobs) => jobs.stop(job, mode));
  }

  suspend(job: string): Promise<JobView> {
    return this.#ask((jobs) => jobs.suspend(job));
  }

  verify(job: string): Promise<Verdict> {
    return this.#ask((jobs) => jobs.verify(job));
  }

  spec(job: string): Promise<JobSpec> {
    return this.#ask((jobs) => jobs.spec(job));
  }

  /** Nobody is asked any more. */
  close(): void {
    this.#over.abort();
  }

  #deadline(): number {
    return this.#options.clock.now() + PATIENCE_MS;
  }

  /** J1. */
  async #ask<T>(body: (jobs: JobService) => Promise<T>): Promise<T> {
    const until = this.#deadline();
    for (;;) {
      try {
        return await this.#askOnce(body);
      } catch (error) {
        await this.#pause(error, until);
      }
    }
  }

  /** Waits for a better moment, or throws what is no matter of waiting. */
  async #pause(error: unknown, until: number): Promise<void> {
    const { clock } = this.#options;
    if (!passes(error) || this.#over.signal.aborted) throw error;
    if (clock.now() >= until) throw fault('LEADER_MISSING', { reason: reasonOf(error) }, error);
    await sleep(clock, AGAIN_MS, this.#over.signal);
  }

  async #askOnce<T>(body: (jobs: JobService) => Promise<T>): Promise<T> {
    const here = this.#options.here();
    if (here !== null) return body(here);
    const { jobs, close } = await this.#reach();
    try {
      return await body(jobs);
    } finally {
      close();
    }
  }

  async *#watchOnce(job: string, signal: AbortSignal | undefined): AsyncGenerator<JobView> {
    const here = this.#options.here();
    if (here !== null) return yield* here.watch(job, signal);
    const { jobs, close } = await this.#reach();
    try {
      yield* jobs.watch(job, signal);
    } finally {
      close();
    }
  }

  async #reach(): Promise<{ jobs: JobService; close(): void }> {
    const { leader, transport } = this.#options;
    const address = leader();
    if (address === null) throw fault('CONTROL_UNAVAILABLE', { reason: 'no leader is known' });
    const connection = await transport.connect(address, this.#over.signal);
    const jobs = new RemoteJobs(openRpc(connection), LEADER_PREFIX);
    return { jobs, close: () => connection.close() };
  }
}

/** True for what is over once there is a leader that can be reached. */
function passes(error: unknown): boolean {
  return (
    isFault(error, 'CONTROL_UNAVAILABLE') ||
    isFault(error, 'PEER_UNREACHABLE') ||
    isFault(error, 'PEER_LOST') ||
    isFault(error, 'PEER_CLOSED') ||
    isFault(error, 'PEER_SILENT')
  );
}
