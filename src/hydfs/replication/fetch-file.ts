import { failpoint } from '../../core/index.ts';
import { Assembly, type Bundle, undivide } from './bundle.ts';
import type { ReplicaContext } from './context.ts';
import { notReady } from './faults.ts';
import { type FetchItem, fetchItemSchema, METHODS, type Stamp } from './messages.ts';
import type { Fetch } from './reconcile.ts';
import type { StoredFile } from './stored-files.ts';

/** Brings the copy of a file here to where another store's copy ends. */
export async function fetchFile(
  context: ReplicaContext,
  options: Fetch & { readonly stamp: Stamp; readonly signal: AbortSignal },
): Promise<StoredFile> {
  const { name, store, extent, from, stamp, signal } = options;
  const { files } = context;
  let file = from === null ? null : await files.openFile(name);
  let durable: Promise<void> = Promise.resolve();
  for await (const { index, install, payloads } of bundles(context, options)) {
    signal.throwIfAborted();
    if (install) {
      await durable;
      context.occupied.points.add(stamp.point);
      file = await files.install(name, payloads[0], index);
      continue;
    }
    if (file?.nextIndex !== index) throw notReady(name, `store ${store} sent other entries`);
    await durable;
    durable = file.copyIn(index, payloads);
    durable.catch(() => {});
  }
  await durable;
  failpoint('hydfs.file-fetched');
  if (file === null || file.nextIndex < extent.nextIndex) {
    throw notReady(name, `store ${store} has sent a part of it only`);
  }
  return file;
}

async function* bundles(
  context: ReplicaContext,
  { name, store, from, stamp, signal }: Fetch & { stamp: Stamp; signal: AbortSignal },
): AsyncGenerator<Bundle> {
  const params = { ...stamp, name, from: from ?? 0, whole: from === null };
  const request = { store, method: METHODS.fetch, params, answer: fetchItemSchema, signal };
  let assembly: Assembly | null = null;
  for await (const { value, data } of context.peers.stream<FetchItem>(request)) {
    if (value.kind === 'refused') throw notReady(name, `store ${store} refuses (${value.why})`);
    if (value.kind === 'entries') {
      const payloads = undivide(value, data);
      if (payloads === null)
        throw notReady(name, `what store ${store} sent has changed on its way`);
      yield { index: value.index, install: value.install, payloads };
      continue;
    }
    if (value.offset === 0) assembly = new Assembly(value);
    if (!assembly?.add(value, data)) {
      throw notReady(name, `what store ${store} sent has changed on its way`);
    }
    if (assembly.complete) yield assembly.bundle;
  }
}
