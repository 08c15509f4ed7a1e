/**
 * Nodes of a cluster that die at a failpoint which is chosen while they run.
 *
 *   const armed = new Armed();
 *   const cluster = await Cluster.make(flags, null, { env: armed.env });
 *   armed.arm({ failpoint: 'task.before-log', pass: 3 }, nodes);
 *   const dead = await armed.died(cluster);      // exactly one of `nodes`
 *   armed.close();
 *
 * A death counts only when the process has taken the order for that failpoint and was ended by the
 * signal that it sends itself there.
 */
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { present } from '../../src/core/index.ts';
import type { Kill } from '../crash/failpoint-plan.ts';
import { until } from '../helpers/poll.ts';
import { type Cluster, type ClusterProcess, LONG_MS } from './cluster.ts';

export class Armed {
  readonly #dir = mkdtempSync(join(tmpdir(), 'rainstorm-armed-'));
  readonly #order = join(this.#dir, 'order');
  #what = '';

  /** For the nodes of the cluster. */
  get env(): Readonly<Record<string, string>> {
    return { RAINSTORM_FAILPOINT: `@${this.#order}` };
  }

  /** One of `nodes` is to die at the pass that `kill` says, counted from now. */
  arm({ failpoint, pass }: Kill, nodes: readonly ClusterProcess[]): void {
    this.#what = `pass ${pass} of ${failpoint}`;
    const draft = join(this.#dir, 'draft');
    writeFileSync(draft, [`${failpoint}:${pass}`, ...nodes.map(({ pid }) => pid)].join(' '));
    renameSync(draft, this.#order);
  }

  /** Resolves with the node that died as ordered, once it is gone. */
  async died(cluster: Cluster): Promise<ClusterProcess> {
    const taken = (): string | undefined =>
      readdirSync(this.#dir).find((name) => name.startsWith('order.'));
    const name = await until(taken, { what: this.#what, deadlineMs: LONG_MS });
    rmSync(join(this.#dir, name));
    const pid = Number(name.slice('order.'.length));
    const node = present(
      cluster.nodes.find((each) => each.pid === pid),
      `${pid} is one of the nodes`,
    );
    const { signal, stderr } = await node.ended;
    if (signal === 'SIGKILL') return node;
    throw new Error(`${node.address} ended otherwise than at ${this.#what}: ${stderr}`);
  }

  /** Removes the order, and the folder. */
  close(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
