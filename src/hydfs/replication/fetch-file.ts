import { failpoint, inOnePiece, reasonOf } from '../../core/index.ts';
import { Assembly, type Bundle, undivide } from './bundle.ts';
import { isDamage, isDiskFault, type ReplicaContext } from './context.ts';
import { notReady } from './faults.ts';
import { type FetchItem, fetchItemSchema, METHODS, type Refusal, type Stamp } from './messages.ts';
import type { Source } from './reconcile.ts';
import type { StoredDraft, StoredFile } from './stored-files.ts';

export interface FileFetch extends Source {
  readonly name: string;
  readonly stamp: Stamp;
  readonly signal: AbortSignal;
}

/** The other store's disk does not give the copy back; this one's is not to blame. */
export class UnreadableThere extends Error {
  override readonly name = 'UnreadableThere';
}

/** The other store does not hear this one in this session. */
export class RefusedThere extends Error {
  override readonly name = 'RefusedThere';
  readonly refusal: Refusal;

  constructor(file: string, store: string, refusal: Refusal) {
    const reason = `store ${store} refuses (${refusal.why})`;
    super(`${file} cannot be fetched`, { cause: notReady(file, reason) });
    this.refusal = refusal;
  }
}

/**
 * Brings the copy of a file here to where another store's copy ends.
 * @throws UnreadableThere, RefusedThere; what this store's disk does not take
 */
export async function fetchFile(context: ReplicaContext, options: FileFetch): Promise<StoredFile> {
  const { name, store, extent, whole, stamp, signal } = options;
  const { files } = context;
  let file: StoredFile | StoredDraft | null = whole ? null : await files.openFile(name);
  let draft: StoredDraft | null = null;
  let durable: Promise<void> = Promise.resolve();
  const from = file?.nextIndex ?? 0;
  try {
    for await (const { index, install, payloads } of bundles(context, options, from)) {
      signal.throwIfAborted();
      if (install && draft === null) {
        context.occupied.points.add(stamp.point);
        draft = await files.draft(name, inOnePiece(payloads[0].parts), index);
        file = draft;
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
    signal.throwIfAborted();
    return draft === null ? await files.openFile(name) : await draft.place();
  } finally {
    await draft?.discard();
  }
}

async function* bundles(
  { peers }: ReplicaContext,
  { name, store, whole, stamp, signal }: FileFetch,
  from: number,
): AsyncGenerator<Bundle> {
  const params = { ...stamp, name, from, whole };
  const request = { store, method: METHODS.fetch, params, answer: fetchItemSchema, signal };
  const changed = (): Error => notReady(name, `what store ${store} sent has changed on its way`);
  let assembly: Assembly | null = null;
  try {
    for await (const { value, data } of peers.stream<FetchItem>(request)) {
      if (value.kind === 'refused') throw new RefusedThere(name, store, value);
      if (value.kind === 'entries') {
        const payloads = undivide(value, data);
        if (payloads === null) throw changed();
        yield { index: value.index, install: value.install, payloads };
        continue;
      }
      if (value.offset === 0) assembly = new Assembly(value);
      if (!assembly?.add(value, data)) throw changed();
      if (assembly.complete) yield assembly.bundle;
    }
  } catch (error) {
    if (!isDamage(error) && !isDiskFault(error)) throw error;
    throw new UnreadableThere(`store ${store} cannot read it: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
