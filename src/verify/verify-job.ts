import type { JobRecord } from '../control/index.ts';
import type { FileSystem } from '../hydfs/index.ts';

export interface Verdict {
  readonly job: string;
}

export async function verifyJob(options: { record: JobRecord; fs: FileSystem }): Promise<Verdict> {
  return { job: options.record.job };
}
