/**
 * Jobs as any node of a cluster answers for them: whoever leads is asked.
 *
 * Invariants
 *   J1  What is asked while nobody leads, or while the leader changes, is asked again for
 *       `PATIENCE_MS`; then the answer is one sentence.
 *   J2  A request is sent on once: the node that is asked as the leader answers or refuses.
 *   J3  Whoever watches a job goes on watching it under the next leader.
 */
import {
  type Clock,
  fault,
  isFault,
  type Random,
  randomId,
  reasonOf,
  sleep,
} from '../core/index.ts';
import { isResting, type JobView, type TaskView } from '../leader/index.ts';
import { clusterSpec, type JobSpec } from '../plan/index.ts';
import { openRpc, type RpcClient, type Transport } from '../transport/index.ts';
import type { Verdict } from '../verify/index.ts';
import { RemoteJobs } from './methods.ts';
import type { LogFile, LogId } from './node-tasks.ts';
import type { JobService, SubmitRequest, Submitted } from './service.ts';

/** Longer than an election on a slow machine. */
const PATIENCE_MS = 20_000;
const AGAIN_MS = 200;
/** How long one node among several may take to answer. */
const NODE_MS = 3000;
/** What sets requests to the leader apart from those to any node. */
export const LEADER_PREFIX = 'leader.';

export interface ClusterJobsOptions {
  /** the jobs that are led from here, if any are */
  readonly here: () => JobService | null;
  /** address of the node that leads; null while none is known */
  readonly leader: () => string | null;
  /** addresses of the nodes that were admitted */
  readonly nodes: () => readonly string[];
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
}

export class ClusterJobs implements JobService {
  readonly #options: ClusterJobsOptions;
  readonly #over = new AbortController();

  constructor(options: ClusterJobsOptions) {
    this.#options = options;
  }

  async submit(request: SubmitRequest): Promise<Submitted> {
    const spec = clusterSpec(request.spec);
    // Asked twice it must not be two jobs: the id tells (B2 of `LocalJobs`).
    const id = request.id ?? randomId(this.#options.random);
    return this.#ask((jobs) => jobs.submit({ ...request, id, spec }));
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

  /** Asks the node itself: the leader has no part in it. */
  async killTask(vm: string, pid: number): Promise<{ readonly task: string }> {
    return this.#askNode(this.#addressOf(vm), async (rpc, signal) => {
      return (await rpc.call('node.kill-operator', { pid }, signal)) as { task: string };
    });
  }

  /** Those of every node that answers. */
  async logs(job: string): Promise<readonly LogFile[]> {
    const { job: id } = await this.job(job);
    const asked = this.#options.nodes().map((address) =>
      this.#askNode(address, async (rpc, signal) => {
        return (await rpc.call('node.logs', { job: id }, signal)) as LogFile[];
      }),
    );
    const answers = await Promise.allSettled(asked);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  }

  async *readLog(vm: string, { job, stage, index, older }: LogId): AsyncGenerator<Uint8Array> {
    const { transport } = this.#options;
    const connection = await transport.connect(this.#addressOf(vm), this.#over.signal);
    try {
      const params = { job, stage, index, older };
      for await (const bytes of openRpc(connection).stream('node.read-log', params)) {
        yield bytes as Uint8Array;
      }
    } finally {
      connection.close();
    }
  }

  /** A node by its address, or by its host when there is one node on it. @throws VM_UNKNOWN */
  #addressOf(vm: string): string {
    const nodes = this.#options.nodes();
    const found = nodes.filter((address) => address === vm || parseHost(address) === vm);
    if (found.length === 1) return found[0];
    throw fault('VM_UNKNOWN', { vm, vms: nodes.join(', ') });
  }

  /** Asks one node, for `NODE_MS` at most. */
  async #askNode<T>(
    address: string,
    body: (rpc: RpcClient, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { transport, clock } = this.#options;
    const late = new AbortController();
    const reason = `no answer in ${NODE_MS} ms`;
    const timer = clock.timer(NODE_MS, () =>
      late.abort(fault('PEER_UNREACHABLE', { address, reason })),
    );
    const signal = AbortSignal.any([late.signal, this.#over.signal]);
    try {
      const connection = await transport.connect(address, signal);
      try {
        return await body(openRpc(connection), signal);
      } finally {
        connection.close();
      }
    } finally {
      timer.cancel();
    }
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

function parseHost(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
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
