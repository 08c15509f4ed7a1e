/** Real small jobs, run in this process, and their logs opened for looking at. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JobRecord, SingleVoterLog } from '../../../src/control/index.ts';
import { assert, present, silentLog, systemClock } from '../../../src/core/index.ts';
import { LocalFileSystem } from '../../../src/hydfs/index.ts';
import { dataDir, Node } from '../../../src/node/index.ts';
import { parseJobFile } from '../../../src/plan/index.ts';
import { nodeDisk } from '../../../src/storage/index.ts';

export interface SmallJob {
  readonly dir: string;
  /** JOB.yaml */
  readonly yaml: string;
  /** null: in.txt is there already */
  readonly lines: readonly string[] | null;
  readonly scripts?: Readonly<Record<string, string>>;
}

/** What the logs of a job are read from. */
export interface OpenedJob {
  readonly record: JobRecord;
  readonly fs: LocalFileSystem;
  close(): Promise<void>;
}

export function dataOf({ dir }: SmallJob): string {
  return join(dir, 'data');
}

/** Writes the job's files and runs it with `drive`, or to its end. */
export async function runJob(
  job: SmallJob,
  drive: (node: Node, id: string) => Promise<void> = toTheEnd,
): Promise<void> {
  mkdirSync(job.dir, { recursive: true });
  const text = job.lines?.map((line) => `${line}\n`).join('');
  if (text !== undefined) writeFileSync(join(job.dir, 'in.txt'), text);
  for (const [name, text] of Object.entries(job.scripts ?? {})) {
    writeFileSync(join(job.dir, name), text);
  }
  const node = await Node.open({ data: dataOf(job), threads: 0 });
  try {
    const spec = parseJobFile(job.yaml, 'job.yaml', job.dir);
    const submitted = await node.service.submit({ spec, overwrite: false, restart: false });
    await drive(node, submitted.job);
  } finally {
    await node.close();
  }
}

export async function toTheEnd(node: Node, id: string): Promise<void> {
  for await (const _view of node.service.watch(id)); // until it rests
  await node.service.completeExport(id);
}

/** Resolves once the last stage of a job has taken in as many tuples as the sources gave. */
export async function untilProcessed(node: Node, id: string, tuples: number): Promise<void> {
  for await (const { stages, state, reason } of node.service.watch(id)) {
    assert(state !== 'failed', reason ?? 'it failed');
    const read = stages[0]?.counts.in ?? 0;
    const behind = stages.slice(1).some(({ counts }, i) => {
      return (counts.in ?? 0) < (stages[i].counts.out ?? 0);
    });
    if (read >= tuples && !behind) return;
  }
}

/** Opens what the only job of `job` has left. */
export async function openJob(job: SmallJob): Promise<OpenedJob> {
  const { control: dir, hydfs: root } = dataDir(dataOf(job));
  const parts = { disk: nodeDisk, sync: 'os', clock: systemClock, log: silentLog } as const;
  const control = await SingleVoterLog.open({ ...parts, dir });
  const [record] = control.state.jobs.values();
  await control.close();
  const fs = await LocalFileSystem.open({ ...parts, root });
  return { record: present(record, 'a job'), fs, close: () => fs.close() };
}
