/**
 * The methods that a store runs for others. Each request is logged when it comes and when it is done.
 */
import { inOnePiece, type LogFields, type RequestLog, reasonOf } from '../../core/index.ts';
import { type Payload, payloadOf } from '../../storage/index.ts';
import { Bulk, type RpcMethods, streaming, unary } from '../../transport/index.ts';
import type { Backup } from './backup.ts';
import { divide, piecesOf } from './bundle.ts';
import { notReady } from './faults.ts';
import {
  BATCH_ENTRIES_MAX,
  copySchema,
  type DamagedParams,
  damagedSchema,
  type FetchParams,
  fetchSchema,
  METHODS,
  PAGE_FILES_MAX,
  pieceSchema,
  removeSchema,
  type SumsParams,
  type SurveyItem,
  type SurveyParams,
  sumsSchema,
  surveySchema,
  trimSchema,
} from './messages.ts';
import type { ReplicaLimits } from './options.ts';
import type { StoredFile } from './stored-files.ts';

export interface MethodsOptions {
  readonly backup: Backup;
  readonly requests: RequestLog;
  readonly limits: ReplicaLimits;
  /** False: this store does not know yet what was decided while it was away. */
  known(): boolean;
  /** At the primary: another replica's copy is to be made anew. */
  damaged(params: DamagedParams): void;
}

/** @throws REPLICA_NOT_READY */
function refuseUnlessKnown({ known }: MethodsOptions): void {
  if (known()) return;
  throw notReady('this store', 'it was started and has not heard yet what was decided meanwhile');
}

/** Checksums in one item. */
const SUMS_MAX = 1024;

export function replicaMethods(options: MethodsOptions): RpcMethods {
  const { backup, requests, limits } = options;
  const noted = <P extends object, R>(
    method: string,
    run: (params: P, data: readonly Uint8Array[]) => R,
  ) => {
    return async (
      params: P,
      _signal: AbortSignal,
      data: readonly Uint8Array[],
    ): Promise<Awaited<R>> => {
      const done = requests.received(method, factsOf(params, data));
      try {
        refuseUnlessKnown(options);
        const result = await run(params, data);
        done(kindOf(result));
        return result;
      } catch (error) {
        done(reasonOf(error));
        throw error;
      }
    };
  };
  const items = <P extends object, T>(
    method: string,
    run: (params: P, signal: AbortSignal) => AsyncGenerator<T>,
  ) => {
    return async function* (params: P, signal: AbortSignal): AsyncGenerator<T> {
      const done = requests.received(method, factsOf(params));
      try {
        refuseUnlessKnown(options);
        yield* run(params, signal);
        done('done');
      } catch (error) {
        done(reasonOf(error));
        throw error;
      }
    };
  };
  const { survey, copy, piece, fetch, remove, trim, sums, damaged } = METHODS;
  return {
    [survey]: streaming(
      surveySchema,
      items(survey, (params) => surveyItems(backup, params)),
    ),
    [copy]: unary(
      copySchema,
      noted(copy, (params, data) => backup.copy(params, data)),
    ),
    [piece]: unary(
      pieceSchema,
      noted(piece, (params, data) => backup.piece(params, data)),
    ),
    [fetch]: streaming(
      fetchSchema,
      items(fetch, (params, signal) => fetchItems(backup, limits, params, signal)),
    ),
    [remove]: unary(
      removeSchema,
      noted(remove, (params) => backup.remove(params)),
    ),
    [trim]: unary(
      trimSchema,
      noted(trim, (params) => backup.trim(params)),
    ),
    [sums]: streaming(
      sumsSchema,
      items(sums, (params, signal) => sumsItems(backup, params, signal)),
    ),
    [damaged]: unary(
      damagedSchema,
      noted(damaged, (params) => options.damaged(params)),
    ),
  };
}

/** What is said of a request: its file, where it is from, and how much it is. */
function factsOf(params: object, data: readonly Uint8Array[] = []): LogFields {
  const facts: Record<string, string | number> = {};
  for (const [key, value] of Object.entries(params)) {
    if (typeof value === 'string') facts[key === 'name' ? 'file' : key] = value;
    else if (typeof value === 'number' && key !== 'crc') facts[key] = value;
    else if (Array.isArray(value)) facts[key === 'sizes' ? 'entries' : key] = value.length;
  }
  if (data.length === 0) return facts;
  facts.bytes = 0;
  for (const { length } of data) facts.bytes += length;
  return facts;
}

function kindOf(result: unknown): string {
  const known = typeof result === 'object' && result !== null && 'kind' in result;
  return known ? String(result.kind) : 'done';
}

/** All sessions begin before the first inventory is waited for. */
async function* surveyItems(backup: Backup, params: SurveyParams): AsyncGenerator<SurveyItem> {
  const begun = params.points.map(([point, version, session, fill]) => {
    const found = backup.begin({ point, version, session, fill });
    // each is waited for in its turn below, and fails there
    found.catch(() => {});
    return { point, found };
  });
  let pages: Extract<SurveyItem, { kind: 'pages' }>['pages'] = [];
  let files = 0;
  for (const { point, found } of begun) {
    const inventory = await found;
    if ('kind' in inventory) {
      yield inventory;
      continue;
    }
    for (let at = 0; at === 0 || at < inventory.length; at += PAGE_FILES_MAX) {
      const some = inventory.slice(at, at + PAGE_FILES_MAX);
      const last = at + PAGE_FILES_MAX >= inventory.length;
      pages.push([
        point,
        some.map(({ name, createdAt, firstIndex, nextIndex }) => {
          return [name, createdAt, firstIndex, nextIndex];
        }),
        last,
      ]);
      files += some.length;
      if (files < PAGE_FILES_MAX) continue;
      yield { kind: 'pages', pages };
      pages = [];
      files = 0;
    }
  }
  if (pages.length > 0) yield { kind: 'pages', pages };
}

async function* fetchItems(
  backup: Backup,
  limits: ReplicaLimits,
  params: FetchParams,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const file = await backup.file(params);
  if ('kind' in file) {
    yield file;
    return;
  }
  if (params.whole) {
    const { firstIndex } = file;
    const snapshot = await file.snapshotAt(firstIndex);
    yield* asItems([payloadOf([snapshot])], firstIndex, true, limits);
  }
  const from = params.whole ? file.firstIndex : params.from;
  let index = from;
  let batch: Payload[] = [];
  let bytes = 0;
  for await (const entry of file.rawEntries(from, { signal })) {
    const full = bytes + entry.payload.length > limits.batchBytes;
    if (batch.length > 0 && (full || batch.length === BATCH_ENTRIES_MAX)) {
      yield* asItems(batch, index, false, limits);
      index = entry.index;
      batch = [];
      bytes = 0;
    }
    batch.push(payloadOf([entry.payload]));
    bytes += entry.payload.length;
  }
  if (batch.length > 0) yield* asItems(batch, index, false, limits);
}

function* asItems(
  entries: readonly Payload[],
  index: number,
  install: boolean,
  { pieceBytes }: ReplicaLimits,
): Generator<Bulk> {
  const [first] = entries;
  if (entries.length > 1 || first.bytes <= pieceBytes) {
    const parts = entries.flatMap((entry) => entry.parts);
    yield new Bulk({ kind: 'entries', index, install, ...divide(entries) }, parts);
    return;
  }
  for (const { offset, data, crc } of piecesOf(inOnePiece(first.parts), pieceBytes)) {
    const total = first.bytes;
    yield new Bulk({ kind: 'piece', index, offset, total, install, crc }, [data]);
  }
}

async function* sumsItems(
  backup: Backup,
  params: SumsParams,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const file = await backup.file(params);
  if ('kind' in file) {
    yield file;
    return;
  }
  let sums: [number, number][] = [];
  for await (const { to, sum } of (file satisfies StoredFile).sums(
    params.from,
    params.to,
    signal,
  )) {
    sums.push([to, sum]);
    if (sums.length < SUMS_MAX) continue;
    yield { kind: 'sums', sums };
    sums = [];
  }
  yield { kind: 'sums', sums };
}
