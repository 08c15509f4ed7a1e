/** Answers what people ask of a node that is alone. */
import type { LocalJobs } from './local-jobs.ts';
import { NodeService, type NodeServiceOptions } from './node-service.ts';

export interface LocalServiceOptions extends NodeServiceOptions {
  readonly jobs: LocalJobs;
}

export class LocalService extends NodeService {
  readonly #local: LocalJobs;

  constructor(options: LocalServiceOptions) {
    super(options);
    this.#local = options.jobs;
  }

  /** As `LocalJobs.completeExport`. */
  completeExport(job: string): Promise<void> {
    return this.#local.completeExport(job);
  }
}
