/**
 * `node:worker_threads` as Piscina sees it in the packaged executable: a `Worker` whose file may be
 * embedded in the program as text. The packager redirects Piscina's import to this file.
 */
import { basename } from 'node:path';
import * as threads from 'node:worker_threads';
import { embedded } from '../core/index.ts';

/** A worker thread, started from the embedded text of that file name when there is one. */
export class Worker extends threads.Worker {
  constructor(file: string | URL, options: threads.WorkerOptions = {}) {
    const text = embedded?.[`worker:${basename(String(file))}`];
    if (text === undefined) super(file, options);
    else super(text, { ...options, eval: true });
  }
}
