/**
 * The part of a cluster node that runs jobs: tasks here, and all jobs while it leads.
 *
 * Invariants
 *   P1  Operators that an earlier process of this data directory left behind are killed before any
 *       is started.
 *   P2  Requests to the leader are answered only while jobs are led from here (J2).
 *   P3  What every operator needs is looked for when the node starts: a task that takes over from a dead
 *       one does not wait for an interpreter to say its version.
 */
import type { Clock, Logger, Random } from '../core/index.ts';
import { fault, reasonOf } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import { KernelPool } from '../kernels/index.ts';
import type { Leader } from '../leader/index.ts';
import { bundledOperators, reapOrphans } from '../operator/index.ts';
import type { RpcMethods, Transport } from '../transport/index.ts';
import { Worker } from '../worker/index.ts';
import type { ClusterControl } from './cluster-control.ts';
import { ClusterJobs, LEADER_PREFIX } from './cluster-jobs.ts';
import type { DataDir } from './data-dir.ts';
import type { Tenant } from './door.ts';
import { onForgotten } from './forgotten-jobs.ts';
import { JobLeadership } from './job-leadership.ts';
import { JobLog } from './job-log.ts';
import { JobSweep } from './job-sweep.ts';
import { LocalJobs } from './local-jobs.ts';
import { jobMethods } from './methods.ts';
import { NodeTasks } from './node-tasks.ts';
import { pythonEnvironments, pythonHere } from './operators.ts';
import { PackagedOperators } from './packaged-operators.ts';
import type { JobService } from './service.ts';

export interface JobPartsOptions {
  readonly dir: DataDir;
  readonly control: ClusterControl;
  readonly fs: FileSystem;
  readonly transport: Transport;
  /** threads of the kernel pool; 0 = none */
  readonly threads: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export class JobParts {
  /** What any node answers about jobs. */
  readonly service: ClusterJobs;
  readonly #options: JobPartsOptions;
  readonly #kernels: KernelPool;
  readonly #operators: PackagedOperators;
  readonly #worker: Worker;
  readonly #here: NodeTasks;
  readonly #jobLog: JobLog;
  readonly #leadership: JobLeadership;
  readonly #unsubscribe: () => void;
  readonly #jobsOf = new WeakMap<Leader, LocalJobs>();

  constructor(options: JobPartsOptions) {
    const { dir, control, fs, transport, threads, clock, random, log } = options;
    this.#options = options;
    reapOrphans(dir.groupsFile); // P1
    pythonHere().catch((error: unknown) => {
      log.debug('there is no Python yet', { reason: reasonOf(error) }); // P3
    });
    this.#kernels = new KernelPool({ threads, log });
    this.#operators = new PackagedOperators({
      fs,
      bundled: bundledOperators(dir.operators),
      environments: pythonEnvironments({ dir, clock, log, vm: control.address }),
      dir: dir.packages,
      random,
    });
    this.#worker = new Worker({
      fs,
      kernels: this.#kernels,
      transport,
      clock,
      random,
      log,
      resolveOperator: (plan, stage) => this.#operators.of(plan, stage),
      taskLogPath: (attempt) => dir.taskLog(attempt),
      groupsFile: dir.groupsFile,
      node: control.address,
    });
    this.#here = new NodeTasks({ worker: this.#worker, dir, vm: control.address });
    this.#jobLog = new JobLog({ fs, log, isKnown: (job) => control.state.jobs.has(job) });
    this.#leadership = new JobLeadership({
      control: control.log,
      transport,
      clock,
      random,
      log,
      noted: (job, event) => this.#jobLog.note(job, event),
      beside: () => {
        const sweep = new JobSweep({ control: control.log, fs, clock, log });
        return () => sweep.close();
      },
    });
    this.#unsubscribe = onForgotten(control.log, (job) => {
      this.#operators.forget(job).catch((error: unknown) => {
        log.warn('the scripts of a forgotten job stay', { job, reason: reasonOf(error) });
      });
    });
    this.service = new ClusterJobs({
      here: () => this.#led(),
      leader: () => control.row().leader,
      nodes: () => [...control.state.nodes.values()].map(({ address }) => address),
      transport,
      clock,
      random,
    });
  }

  /** What this part of the node answers to others. */
  get tenant(): Tenant {
    return {
      receiver: (connection) => this.#worker.receiverFor(connection),
      methods: (connection) => ({
        ...this.#worker.methods(connection),
        ...this.#here.methods(),
        ...this.#leaderMethods(),
      }),
    };
  }

  async close(): Promise<void> {
    this.service.close();
    this.#leadership.close();
    this.#unsubscribe();
    await this.#worker.close();
    await this.#jobLog.settled();
    await this.#kernels.close();
  }

  /** The jobs that are led from here; the same for as long as one leader leads (B1 of `LocalJobs`). */
  #led(): JobService | null {
    const { leader } = this.#leadership;
    if (leader === null) return null;
    const known = this.#jobsOf.get(leader);
    if (known !== undefined) return known;
    const { control, fs, random } = this.#options;
    const operators = this.#operators;
    const here = this.#here;
    const jobs = new LocalJobs({ leader, control: control.log, fs, operators, random, here });
    this.#jobsOf.set(leader, jobs);
    return jobs;
  }

  /** P2. */
  #leaderMethods(): RpcMethods {
    return jobMethods(() => {
      const jobs = this.#led();
      if (jobs === null) throw fault('CONTROL_UNAVAILABLE', { reason: 'another node leads' });
      return jobs;
    }, LEADER_PREFIX);
  }
}
