/**
 * A `Worker` whose file may travel inside the executable as text. The packager puts it in the place
 * of the one that Piscina's pool starts.
 */
import { basename } from 'node:path';
import * as threads from 'node:worker_threads';
import { embedded } from '#embedded';

export class Worker extends threads.Worker {
  constructor(file, options = {}) {
    const text = embedded[`worker:${basename(String(file))}`];
    if (text === undefined) super(file, options);
    else super(text, { ...options, eval: true });
  }
}
