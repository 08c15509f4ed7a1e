/**
 * A voter's log on disk: a `SegmentedLog` whose entries are records.
 *
 * D1 One record is one `Persist`, so term, vote and entries of a step are durable together or not at
 *    all, and in the order of the steps.
 * D2 Nothing is changed in place: a record that begins at an index that was written before replaces
 *    what was there, and all behind it.
 * D3 A segment begins with the sum of all records before it, the owner's newest state in place of the
 *    entries that led to it. So opening reads one segment, and older ones are freed once the first
 *    record of the new one is durable.
 * D4 The id of the voter is made with its log. Whoever loses the log is somebody else, and cannot
 *    break a promise that the log held.
 */
import { assert, fault, type Logger, type Random, randomId, reasonOf } from '../core/index.ts';
import { type Disk, SegmentedLog, type SyncMode } from '../storage/index.ts';
import {
  addRecord,
  compactImage,
  decodeHeader,
  decodeRecord,
  emptyImage,
  encodeHeader,
  encodeRecord,
  type Image,
} from './record.ts';
import type { Members, Persist, Snapshot } from './types.ts';

export interface StoreOptions {
  readonly disk: Disk;
  /** The log's own folder. */
  readonly dir: string;
  readonly sync: SyncMode;
  readonly log: Logger;
  readonly random: Random;
  /** When a new segment begins; smaller in tests. */
  readonly segmentBytes?: number;
  /** The id of a voter that has no log yet; a random one by default. */
  readonly id?: string;
  /**
   * The first members, when this voter begins a group; a function of its id. Null: it waits to be
   * added. Without meaning once there is a log.
   */
  readonly begin: ((id: string) => Members) | null;
}

/** Decisions are small and rare; a small segment keeps opening short. */
const SEGMENT_BYTES = 4 * 1024 * 1024;

interface View {
  image: Image;
  rolled: boolean;
  /** The owner's newest state; see D3. */
  snapshot: () => Snapshot | null;
}

export class RaftStore {
  /** What was durable when this was opened. */
  readonly initial: Image;
  readonly #segments: SegmentedLog;
  readonly #view: View;
  readonly #log: Logger;

  /**
   * Opens the log in `dir`, making it if needed.
   * @throws Fault CONTROL_LOG_INVALID when a record cannot be read; the disk's own faults
   */
  static async open(options: StoreOptions): Promise<RaftStore> {
    const { disk, dir, sync, log, random, segmentBytes = SEGMENT_BYTES, begin } = options;
    const id = options.id ?? randomId(random);
    const view: View = { image: emptyImage(id), rolled: false, snapshot: () => null };
    const header = (): Uint8Array => headerOf(view);
    const where = { disk, dir, sync, log, random, segmentBytes };
    const segments = await SegmentedLog.open({ ...where, header });
    try {
      await replay(segments, view);
    } catch (error) {
      await segments.close();
      throw fault('CONTROL_LOG_INVALID', { dir, reason: reasonOf(error) }, error);
    }
    const store = new RaftStore(segments, view, log);
    if (segments.header === null) await store.#begin(begin);
    return store;
  }

  private constructor(segments: SegmentedLog, view: View, log: Logger) {
    this.#segments = segments;
    this.#view = view;
    this.#log = log;
    this.initial = { ...view.image, entries: [...view.image.entries] };
  }

  /** Where headers find the owner's state; it must be that after the snapshot's entry. */
  get snapshot(): () => Snapshot | null {
    return this.#view.snapshot;
  }

  set snapshot(snapshot: () => Snapshot | null) {
    this.#view.snapshot = snapshot;
  }

  /**
   * Places `persist` behind all before it; resolves when it is durable.
   * @throws (by the promise) the disk's fault, after which nothing more is taken
   */
  async append(persist: Persist): Promise<void> {
    const { index, durable } = this.#segments.append([encodeRecord(persist)]);
    assert(addRecord(this.#view.image, persist), 'D2: records continue each other');
    const { rolled } = this.#view;
    this.#view.rolled = false;
    await durable;
    if (rolled) this.#trim(index);
  }

  /** Waits for what was appended, then lets go of the disk. */
  close(): Promise<void> {
    return this.#segments.close();
  }

  /** D4. The first header holds the id, so the id is durable before anything is promised. */
  async #begin(begin: StoreOptions['begin']): Promise<void> {
    const { image } = this.#view;
    const { hard, id } = image;
    const members = begin?.(id) ?? [];
    const snapshot: Snapshot = { index: 0, term: 0, members, data: new Uint8Array(0) };
    await this.append({ seq: 0, hard, snapshot, entries: [] });
    this.initial.snapshot = snapshot;
  }

  /** Old segments are only space: a failure to free them is told, not suffered. */
  #trim(index: number): void {
    this.#segments.trim(index).catch((error: unknown) => {
      this.#log.warn('old segments of the voter stay', { reason: reasonOf(error) });
    });
  }
}

/** D3. */
function headerOf(view: View): Uint8Array {
  view.rolled = true;
  const newest = view.snapshot();
  if (newest !== null) compactImage(view.image, newest);
  return encodeHeader(view.image);
}

async function replay(segments: SegmentedLog, view: View): Promise<void> {
  if (segments.header !== null) view.image = decodeHeader(segments.header);
  for await (const { payload } of segments.replay()) {
    const added = addRecord(view.image, decodeRecord(payload));
    assert(added, 'a record does not continue those before it');
  }
}
