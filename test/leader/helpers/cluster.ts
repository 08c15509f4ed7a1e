/** The leader as it is used: over a control log on a simulated disk, with a node in this process. */
import { SingleVoterLog } from '../../../src/control/index.ts';
import { seededRandom, silentLog } from '../../../src/core/index.ts';
import { Leader, type LeaderOptions, type Order } from '../../../src/leader/index.ts';
import type { TaskReport } from '../../../src/wire/index.ts';
import { SimDisk } from '../../sim/sim-disk.ts';
import { ManualClock } from './manual-clock.ts';

export class Cluster {
  readonly clock: ManualClock;
  readonly machine: SimDisk;
  readonly orders: Order[] = [];
  readonly control: SingleVoterLog;
  readonly leader: Leader;
  /** What the node answers to a start; at once, while the leader is still sending. */
  answers: readonly string[] = ['starting', 'running'];

  private constructor(parts: Pick<Cluster, 'clock' | 'machine' | 'control' | 'leader'>) {
    this.clock = parts.clock;
    this.machine = parts.machine;
    this.control = parts.control;
    this.leader = parts.leader;
  }

  /** A cluster on a new disk, or on the disk of one that has ended. */
  static async open(options: Partial<LeaderOptions> = {}, before?: Cluster): Promise<Cluster> {
    const machine = before?.machine ?? new SimDisk({ random: seededRandom(1) });
    const clock = before?.clock ?? new ManualClock();
    const where = { disk: machine.mount(), dir: '/control', sync: 'group' } as const;
    const control = await SingleVoterLog.open({ ...where, clock, log: silentLog });
    const random = seededRandom(control.term);
    const leader = await Leader.open({ control, clock, log: silentLog, random, ...options });
    return new Cluster({ machine, clock, control, leader });
  }

  /** Connects the node `id`. */
  join(id = 'h:1#1'): void {
    const facts = { node: id, address: 'h:1', cores: 2 };
    this.leader.nodeConnected(facts, {
      send: (order) => {
        this.orders.push(order);
        if (order.kind !== 'task-start') return;
        for (const state of this.answers) this.report(id, order, state);
      },
    });
  }

  report(
    node: string,
    { job, stage, index, epoch }: Pick<TaskReport, 'job' | 'stage' | 'index' | 'epoch'>,
    state: string,
  ): void {
    const facts = { pids: [7], operator: 'filter.py', logFile: 'task.log', rate: 2 };
    const counts = { in: 5, out: 3, duplicates: 1 };
    const report = { kind: 'task-report', job, stage, index, epoch, state, fault: null } as const;
    this.leader.report(node, { ...report, counts, ...facts });
  }

  /** Reports `state` for every task of `job`, by its newest epoch. */
  reportAll(job: string, state: string, node = 'h:1#1'): void {
    for (const { stage, index, epoch } of this.leader.tasks(job)) {
      this.report(node, { job, stage, index, epoch }, state);
    }
  }

  async close(): Promise<void> {
    this.leader.close();
    await this.control.close();
  }
}
