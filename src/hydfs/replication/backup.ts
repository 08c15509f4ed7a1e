/**
 * What a store does for the primaries of its points.
 *
 * B1 Every request is judged twice (see `held-points.ts`): when it comes, and again in the turn in
 *    which it takes effect, since a newer session may have begun while a file was being opened.
 * B2 The requests for one file take effect in the order in which they came, and entries only where
 *    the file ends. What is answered is durable.
 * B3 A session begins after everything that older ones placed is durable or never will be, so that
 *    its inventory is not overtaken.
 * B4 Points are discarded one after the other with what else happens to them: on behalf of a filling,
 *    or when the newest configuration known does not name this store. What a store that is in no
 *    configuration has never counts, so a late discard costs space only.
 * B5 A copy that is made anew is made aside while what is there has more, and given up with its session.
 */
import { failpoint, inOnePiece, isFault, reasonOf } from '../../core/index.ts';
import { Assembly, type Bundle, entriesOf, undivide } from './bundle.ts';
import { isDamage, type ReplicaContext } from './context.ts';
import { type HeldPoint, isIn, refusalOf } from './held-points.ts';
import type {
  CopyParams,
  PieceParams,
  Refusal,
  RemoveParams,
  Reply,
  Stamp,
  TrimParams,
  Why,
} from './messages.ts';
import type { FileExtent, StoredDraft, StoredFile } from './stored-files.ts';
import { Turns } from './turns.ts';

export interface SessionStart extends Stamp {
  readonly fill: number | null;
}

interface FileStamp extends Stamp {
  readonly name: string;
}

/** The pieces of an entry, as far as they have come. */
interface Pieces {
  readonly point: number;
  readonly session: number;
  readonly entry: Assembly;
}

/** A copy that is made anew, in one session. */
interface Draft {
  readonly point: number;
  readonly session: number;
  /** It takes the place of the other one when it has the entries before. */
  readonly wholeAt: number;
  readonly copy: StoredDraft;
}

/** An entry, or several, of a request, and how far a copy that is made anew has to come. */
interface Taken extends Bundle {
  readonly wholeAt: number;
}

export class Backup {
  readonly #context: ReplicaContext;
  /** Called when a newer configuration than the own is heard of. */
  readonly #overtaken: (point: number, version: number) => void;
  readonly #held = new Map<number, HeldPoint>();
  readonly #points = new Turns<number>();
  readonly #files = new Turns<string>();
  /** Entries that come in pieces, by the name of their file. */
  readonly #assemblies = new Map<string, Pieces>();
  readonly #drafts = new Map<string, Draft>();

  constructor(context: ReplicaContext, overtaken: (point: number, version: number) => void) {
    this.#context = context;
    this.#overtaken = overtaken;
  }

  /** The newest configuration of `point` of which a request told. */
  versionOf(point: number): number {
    return this.#held.get(point)?.version ?? 0;
  }

  /** Begins a session at once; its inventory comes when it is known (B3). */
  begin(start: SessionStart): Promise<readonly FileExtent[] | Refusal> {
    const refusal = this.#refusal(start, true);
    if (refusal !== null) return Promise.resolve(refusal);
    const held = this.#point(start.point);
    held.version = start.version;
    held.session = start.session;
    for (const [name, { point }] of this.#assemblies) {
      if (point === start.point) this.#assemblies.delete(name);
    }
    this.#overtaken(start.point, start.version);
    return this.#points.run(start.point, async () => {
      await this.#files.settled((name) => name.startsWith(prefixOf(start.point)));
      await this.#dropDrafts(start.point);
      if (start.fill !== null && start.fill !== held.fill) {
        const late = this.#refusal(start);
        if (late !== null) return late;
        await this.#wipe(start.point, `filling ${start.fill} begins`);
      }
      held.fill = start.fill;
      const { files, occupied } = this.#context;
      await occupied.ready;
      const found = occupied.points.has(start.point) ? await files.inventory(start.point) : [];
      return this.#refusal(start) ?? found;
    });
  }

  /** Discards the files of a point when its newest configuration does not name this store (B4). */
  async leave(point: number): Promise<void> {
    await this.#points.run(point, async () => {
      const { placement, store } = this.#context;
      const config = placement.config(point);
      const held = this.#point(point);
      if (config === null || isIn(config, store) || held.version > config.version) return;
      held.version = config.version;
      held.fill = null;
      await this.#files.settled((name) => name.startsWith(prefixOf(point)));
      await this.#dropDrafts(point);
      await this.#wipe(point, `configuration ${config.version} does not name this store`);
    });
  }

  async copy(params: CopyParams, data: readonly Uint8Array[]): Promise<Reply> {
    const refusal = this.#refusal(params);
    if (refusal !== null) return refusal;
    const payloads = undivide(params, data);
    if (payloads === null || payloads.length === 0) return this.#broken(params);
    const { index, install, wholeAt } = params;
    return this.#take(params, { index, install, wholeAt, payloads });
  }

  piece(params: PieceParams, data: readonly Uint8Array[]): Promise<Reply> {
    const refusal = this.#refusal(params);
    if (refusal !== null) return Promise.resolve(refusal);
    const { name, index, offset, session } = params;
    if (offset === 0) {
      const { point } = params;
      this.#assemblies.set(name, { point, session, entry: new Assembly(params) });
    }
    const assembly = this.#assemblies.get(name);
    if (assembly?.session !== session || !assembly.entry.add(params, data)) {
      return Promise.resolve(this.#broken(params));
    }
    if (!assembly.entry.complete) return Promise.resolve({ kind: 'done', next: index });
    this.#assemblies.delete(name);
    return this.#take(params, { ...assembly.entry.bundle, wholeAt: params.wholeAt });
  }

  remove(params: RemoveParams): Promise<Reply> {
    return this.#inTurn(params, async () => {
      const refusal = this.#refusal(params);
      if (refusal !== null) return refusal;
      await this.#dropDraft(params.name);
      await this.#context.files.discard(params.name);
      failpoint('hydfs.copy-removed');
      return { kind: 'done', next: 0 };
    });
  }

  async trim(params: TrimParams): Promise<Reply> {
    const file = await this.file(params);
    if ('kind' in file) return file;
    await file.trim(params.beforeOffset);
    return { kind: 'done', next: file.nextIndex };
  }

  /** A file of this store for reading, for a primary in its session. */
  async file(stamp: FileStamp): Promise<StoredFile | Refusal> {
    const refusal = this.#refusal(stamp);
    if (refusal !== null) return refusal;
    const file = await this.#open(stamp.name);
    return file ?? this.#refused(stamp, 'missing');
  }

  /** B1, B2. */
  async #take(stamp: FileStamp, taken: Taken): Promise<Reply> {
    const next = taken.index + entriesOf(taken);
    const placed = await this.#inTurn(stamp, async () => {
      const early = this.#refusal(stamp);
      if (early !== null) return early;
      const { index, install, payloads } = taken;
      const file = install ? await this.#install(stamp, taken) : await this.#current(stamp);
      if (file === null) return this.#refused(stamp, 'missing');
      const refusal = this.#refusal(stamp);
      if (refusal !== null) return refusal;
      if (file.nextIndex !== index) return this.#refused(stamp, 'index');
      const entries = install ? payloads.slice(1) : payloads;
      const durable = entries.length > 0 ? file.copyIn(index, entries) : Promise.resolve();
      // whoever waits for it below is told; nobody else has to be
      durable.catch(() => {});
      return { durable };
    });
    if ('kind' in placed) return placed;
    await placed.durable;
    const refusal = await this.#placeDraft(stamp, next);
    if (refusal !== null) return refusal;
    failpoint('hydfs.copy-durable');
    return { kind: 'done', next };
  }

  /** Begins a copy anew: aside, when what is there has more. */
  async #install(
    stamp: FileStamp,
    { index, wholeAt, payloads }: Taken,
  ): Promise<StoredFile | StoredDraft> {
    const { files, occupied } = this.#context;
    const { point, session, name } = stamp;
    const snapshot = inOnePiece(payloads[0].parts);
    await this.#dropDraft(name);
    occupied.points.add(point);
    if (wholeAt <= index) return files.install(name, snapshot, index);
    const copy = await files.draft(name, snapshot, index);
    this.#drafts.set(name, { point, session, wholeAt, copy });
    return copy;
  }

  /** What the entries of this session are for. */
  #current({ name, session }: FileStamp): Promise<StoredFile | null> | StoredDraft {
    const draft = this.#drafts.get(name);
    return draft?.session === session ? draft.copy : this.#open(name);
  }

  /** A draft that is whole with the entries before `next` takes its place. */
  async #placeDraft(stamp: FileStamp, next: number): Promise<Refusal | null> {
    const draft = this.#drafts.get(stamp.name);
    if (draft?.session !== stamp.session || next < draft.wholeAt) return null;
    return this.#inTurn(stamp, async () => {
      if (this.#drafts.get(stamp.name) !== draft) return null;
      const refusal = this.#refusal(stamp);
      if (refusal !== null) return refusal;
      this.#drafts.delete(stamp.name);
      await draft.copy.place();
      return null;
    });
  }

  async #dropDraft(name: string): Promise<void> {
    const draft = this.#drafts.get(name);
    this.#drafts.delete(name);
    await draft?.copy.discard();
  }

  async #dropDrafts(point: number): Promise<void> {
    const names = [...this.#drafts].filter(([, draft]) => draft.point === point);
    for (const [name] of names) await this.#dropDraft(name);
  }

  /** Null when there is no such file, or none that can be gone on with. */
  async #open(name: string): Promise<StoredFile | null> {
    try {
      return await this.#context.files.openFile(name);
    } catch (error) {
      if (isFault(error, 'FILE_MISSING')) return null;
      if (!isDamage(error)) throw error;
      this.#context.log.error('a file is damaged', { name, reason: reasonOf(error) });
      return null;
    }
  }

  #inTurn<T>(stamp: FileStamp, step: () => Promise<T>): Promise<T> {
    return this.#files.run(prefixOf(stamp.point) + stamp.name, step);
  }

  async #wipe(point: number, why: string): Promise<void> {
    const { files, occupied, log } = this.#context;
    await occupied.ready;
    if (!occupied.points.has(point)) return;
    log.info('the files of a point are discarded', { point, why });
    await files.wipePoint(point);
    occupied.points.delete(point);
  }

  #broken(stamp: FileStamp): Refusal {
    const { name } = stamp;
    this.#context.log.warn('entries did not arrive as they were sent', { name });
    return this.#refused(stamp, 'index');
  }

  #refused({ point }: Stamp, why: Why): Refusal {
    const { version, session } = this.#point(point);
    return { kind: 'refused', point, why, version, session };
  }

  #refusal(stamp: Stamp, begins = false): Refusal | null {
    const { placement, store } = this.#context;
    const held = this.#point(stamp.point);
    const config = placement.config(stamp.point);
    const refusal = refusalOf(held, config, stamp, { store, begins });
    if (refusal === null && !begins && stamp.version > held.version) {
      held.version = stamp.version;
      this.#overtaken(stamp.point, stamp.version);
    }
    return refusal;
  }

  #point(point: number): HeldPoint {
    const known = this.#held.get(point);
    if (known !== undefined) return known;
    const held = { point, version: 0, session: 0, fill: null };
    this.#held.set(point, held);
    return held;
  }
}

function prefixOf(point: number): string {
  return `${point}/`;
}
