import { isFault } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import { decodeRecord } from '../kernels/index.ts';
import { type JobPlan, SOURCE_STAGE, tasksOf, walFileName } from '../plan/index.ts';
import type { SourceState } from '../worker/index.ts';
import type { ResumePoint } from './service.ts';

/** Where each source of an unfinished job goes on, from the logs of its source tasks. */
export async function resumePoints(fs: FileSystem, plan: JobPlan): Promise<ResumePoint[]> {
  const stage = plan.stages.findIndex(({ kind }) => kind === SOURCE_STAGE);
  return Promise.all(
    tasksOf(plan, stage).map(async (task) => {
      const { file } = plan.spec.sources[task.index];
      const position = await lastPosition(fs, walFileName(task));
      return { file, line: position?.line ?? 0, offset: position?.offset ?? 0 };
    }),
  );
}

async function lastPosition(fs: FileSystem, name: string): Promise<SourceState['position'] | null> {
  let last: SourceState | null = null;
  try {
    const { trimmedTo } = await fs.stat(name);
    for await (const entry of fs.entries(name, { fromOffset: trimmedTo })) {
      if (entry.kind === 'append') last = decodeRecord(entry.data).state as SourceState;
    }
  } catch (error) {
    if (!isFault(error, 'FILE_MISSING')) throw error;
  }
  return last?.position ?? null;
}
