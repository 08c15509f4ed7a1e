/**
 * Brings one file to one replica, in one session.
 *
 * T1 Requests carry consecutive entries and leave in order; up to a window of them are under way, and
 *    more while the entries are so large that waiting would not put more of them into one.
 *    The replica places them one behind the other, so an answer means everything before it too.
 * T2 New entries come from memory. What is no longer kept is read back from the disk, in one go until
 *    memory has the rest; a filling replica's share of that is paced.
 * T3 A copy that cannot be gone on with begins anew with a snapshot, when nothing else is under way. It
 *    replaces the other one when it has all that is committed, so a replica never has less than before.
 * T4 A copy that does not count yet is sent committed entries only, so it never holds what the other
 *    ones may lose. It counts from when it was sent all of them, or memory has those that it lacks.
 * T6 While such a copy is read back for, appends may not outrun it for long: their bytes are held to
 *    a share of those that it is brought, so that the gap closes.
 * T5 Whatever goes wrong ends the session: the next survey tells where the replica stands.
 */
import { assert, inOnePiece, isFault } from '../../core/index.ts';
import { type Payload, payloadOf } from '../../storage/index.ts';
import { divide, piecesOf } from './bundle.ts';
import type { ReplicaContext } from './context.ts';
import { BATCH_ENTRIES_MAX, METHODS, type Reply, replySchema, type Stamp } from './messages.ts';
import type { PrimaryFile } from './primary-file.ts';

/** What a sender needs of its session. */
export interface SenderSession {
  readonly store: string;
  /** Aborts when the session ends. */
  readonly signal: AbortSignal;
  stamp(): Stamp;
  /** False for a replica that is being filled (T4). */
  counts(): boolean;
  progress(file: PrimaryFile): void;
  /** The replica does not answer, or cannot do what it is asked. */
  failed(error: unknown): void;
  /** What is to be sent cannot be read here. */
  unreadable(file: PrimaryFile, error: unknown): void;
  refused(reply: Exclude<Reply, { kind: 'done' }>): void;
}

/** Of the bytes that a filling brings to a copy, as many may be appended meanwhile (T6). */
const APPENDED_SHARE = 7 / 8;

type Mode = 'streaming' | 'reading-back' | 'anew';

export class FileSender {
  /** The replica has the entries before. */
  acked: number;
  readonly #context: ReplicaContext;
  readonly #session: SenderSession;
  readonly #file: PrimaryFile;
  #sent: number;
  /** A copy that is made anew is whole with the entries before. */
  #wholeAt = 0;
  #underWay = 0;
  #bytesUnderWay = 0;
  #mode: Mode = 'streaming';
  #room: PromiseWithResolvers<void> | null = null;
  #ended = false;
  /** What is to be sent could not be read here. */
  #stuck = false;
  #counts: boolean;
  /** While entries are read back for a copy that does not count: where that began, and what came (T6). */
  #reading: { length: number | null; bytes: number } | null = null;

  /** `have`: where the replica's copy ends; null when it has none that can be gone on with. */
  constructor(
    context: ReplicaContext,
    options: {
      readonly session: SenderSession;
      readonly file: PrimaryFile;
      readonly have: number | null;
      /** The copy counts from the beginning (T4). */
      readonly counts: boolean;
    },
  ) {
    this.#context = context;
    this.#session = options.session;
    this.#file = options.file;
    this.#counts = options.counts;
    this.acked = options.have ?? -1;
    this.#sent = options.have ?? 0;
    if (options.have === null) this.#mode = 'anew';
  }

  /** True when nothing is acknowledged without this copy (T4). */
  get counts(): boolean {
    return this.#counts || this.#session.counts();
  }

  /** T6. */
  get fallsBehind(): boolean {
    if (this.#reading === null || this.counts || this.#file.stored === null) return false;
    this.#reading.length ??= this.#file.placedLength;
    const appended = this.#file.placedLength - this.#reading.length;
    return appended > this.#reading.bytes * APPENDED_SHARE + this.#context.limits.keptBytes;
  }

  /** Sends what there is to send. Call it when an entry was placed or committed. */
  pump(): void {
    const { batchBytes } = this.#context.limits;
    while (this.#mode === 'streaming' && !this.#over) {
      this.#counts ||= this.#isClose;
      if (this.#sent >= this.#limit || !this.#hasRoom()) return;
      const entries = this.#file.kept.take(this.#sent, this.#limit, batchBytes);
      if (entries === null || isLarge(entries, this.#context)) return this.#apart();
      void this.#send(entries);
    }
    if (this.#mode === 'anew' && !this.#over && this.#underWay === 0) this.#apart();
  }

  /** Makes the replica's copy anew. */
  restart(): void {
    this.acked = -1;
    this.#counts = false;
    if (this.#mode === 'streaming') this.#mode = 'anew';
    this.pump();
  }

  /** Reads again what could not be read. */
  retry(): void {
    if (!this.#stuck) return;
    this.#stuck = false;
    this.#mode = this.acked < 0 ? 'anew' : 'streaming';
    this.pump();
  }

  end(): void {
    this.#ended = true;
    this.#room?.resolve();
  }

  /** T1: there is always room for what is large, up to a number of bytes. */
  #hasRoom(): boolean {
    const { window, batchBytes, windowBytes } = this.#context.limits;
    if (this.#underWay < window) return true;
    const next = this.#file.kept.bytesOf(this.#sent);
    return next >= batchBytes / 2 && this.#bytesUnderWay + next <= windowBytes;
  }

  get #over(): boolean {
    return this.#ended || this.#session.signal.aborted;
  }

  /** False when there is more to read back, though what there was a moment ago is sent. */
  #isDone(): boolean {
    if (this.#over || this.acked < 0) return true;
    const isClose = this.#isClose;
    this.#counts ||= isClose;
    return isClose;
  }

  /** T4. */
  get #isClose(): boolean {
    return this.#sent >= Math.min(this.#limit, this.#file.kept.firstIndex);
  }

  get #limit(): number {
    return this.counts ? this.#file.nextIndex : this.#file.committedIndex;
  }

  /** Runs what needs time beside `pump`, alone, and goes on with `pump`. */
  #apart(): void {
    const anew = this.#mode === 'anew';
    const { stored } = this.#file;
    this.#mode = 'reading-back';
    const done = (): void => {
      this.#reading = null;
      if (this.#over) return;
      this.#mode = this.acked < 0 ? 'anew' : 'streaming';
      this.pump();
    };
    const failed = (error: unknown): void => {
      this.#reading = null;
      if (this.#over) return;
      // it was made anew meanwhile: what was open is not there any more
      if (stored !== null && this.#file.stored !== stored) return done();
      this.#stuck = true;
      this.#session.unreadable(this.#file, error);
    };
    const slots = this.counts ? this.#context.pushes : this.#context.fills;
    const work = async (): Promise<void> => {
      if (this.#over) return;
      const length = this.#file.stored === null ? null : this.#file.placedLength;
      this.#reading = { length, bytes: 0 };
      if (anew) return this.#beginAnew();
      do await this.#readBack();
      while (!this.#isDone());
    };
    slots.run(work).then(done, failed);
  }

  /** T3. */
  async #beginAnew(): Promise<void> {
    const file = await this.#context.files.openFile(this.#file.name);
    const { firstIndex } = file;
    const snapshot = payloadOf([await file.snapshotAt(firstIndex)]);
    if (this.#over) return;
    this.acked = firstIndex;
    this.#sent = firstIndex;
    const { everywhereIndex, committedIndex } = this.#file;
    this.#wholeAt = this.counts ? everywhereIndex : committedIndex;
    await this.#sendWhole([snapshot], true);
  }

  /** T2. */
  async #readBack(): Promise<void> {
    const kept = this.#file.kept.take(this.#sent, this.#limit, this.#context.limits.batchBytes);
    if (kept !== null) {
      await this.#emptied();
      return this.#over ? undefined : this.#sendWhole(kept, false);
    }
    const file = await this.#context.files.openFile(this.#file.name);
    if (this.#sent < file.firstIndex) return this.#tooOld();
    const { signal } = this.#session;
    // what is not durable yet cannot be read back
    if (this.#sent >= file.durableIndex) await file.settled();
    try {
      for await (const entries of this.#batches(file.rawEntries(this.#sent, { signal }))) {
        if (this.#over || this.acked < 0) return;
        await this.#paced(entries);
        await this.#windowed();
        if (this.#over || this.acked < 0) return;
        if (isLarge(entries, this.#context)) {
          await this.#emptied();
          if (this.#over) return;
          await this.#sendWhole(entries, false);
        } else void this.#send(entries);
        if (this.#sent >= this.#file.kept.firstIndex) return;
      }
    } catch (error) {
      if (!isFault(error, 'LOG_TRIMMED')) throw error;
      await this.#tooOld();
    }
  }

  /** The replica needs entries that were trimmed here. */
  async #tooOld(): Promise<void> {
    await this.#emptied();
    this.acked = -1;
    this.#counts = false;
  }

  /** Batches of stored entries, none at or after the limit. */
  async *#batches(
    entries: AsyncIterable<{ readonly index: number; readonly payload: Uint8Array }>,
  ): AsyncGenerator<Payload[]> {
    let batch: Payload[] = [];
    let bytes = 0;
    for await (const { index, payload } of entries) {
      if (index >= this.#limit) break;
      const full = bytes + payload.length > this.#context.limits.batchBytes;
      if (batch.length > 0 && (full || batch.length === BATCH_ENTRIES_MAX)) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(payloadOf([payload]));
      bytes += payload.length;
    }
    if (batch.length > 0) yield batch;
  }

  #paced(entries: readonly Payload[]): Promise<void> {
    if (this.counts) return Promise.resolve();
    return this.#context.repairs.take(bytesOf(entries), this.#session.signal);
  }

  async #windowed(): Promise<void> {
    while (this.#underWay >= this.#context.limits.window && !this.#over) await this.#change();
  }

  async #emptied(): Promise<void> {
    while (this.#underWay > 0 && !this.#over) await this.#change();
  }

  #change(): Promise<void> {
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Sends entries from `#sent` on and moves it; never rejects (T5). */
  async #send(entries: readonly Payload[], install = false): Promise<void> {
    const index = this.#sent;
    const next = index + (install ? 0 : entries.length);
    this.#sent = next;
    this.#underWay += 1;
    const bytes = bytesOf(entries);
    this.#bytesUnderWay += bytes;
    const data = entries.flatMap(({ parts }) => parts);
    const reply = await this.#ask(
      METHODS.copy,
      { index, install, wholeAt: this.#wholeAt, ...divide(entries) },
      data,
    );
    this.#underWay -= 1;
    this.#bytesUnderWay -= bytes;
    if (this.#reading !== null) this.#reading.bytes += bytes;
    this.#answered(reply, next);
    this.#room?.resolve();
    this.#room = null;
  }

  /** Sends entries or a snapshot, in pieces where it is large, with nothing else under way. */
  async #sendWhole(entries: readonly Payload[], install: boolean): Promise<void> {
    assert(this.#underWay === 0, 'T3: nothing else is under way');
    if (!isLarge(entries, this.#context)) return this.#send(entries, install);
    const index = this.#sent;
    const [{ bytes: total }] = entries;
    const { pieceBytes } = this.#context.limits;
    let reply: Reply | null = null;
    for (const { offset, data, crc } of piecesOf(inOnePiece(entries[0].parts), pieceBytes)) {
      const params = { index, install, offset, total, wholeAt: this.#wholeAt, crc };
      reply = await this.#ask(METHODS.piece, params, [data]);
      if (reply?.kind !== 'done') break;
    }
    this.#sent = index + (install ? 0 : 1);
    if (this.#reading !== null) this.#reading.bytes += total;
    this.#answered(reply, this.#sent);
  }

  /** Null when the session has failed (T5). */
  async #ask(method: string, params: object, data: readonly Uint8Array[]): Promise<Reply | null> {
    const { store, signal } = this.#session;
    const { name } = this.#file;
    try {
      return await this.#context.peers.call({
        store,
        method,
        params: { ...this.#session.stamp(), name, ...params },
        answer: replySchema,
        data,
        signal,
      });
    } catch (error) {
      if (!this.#over) this.#session.failed(error);
      return null;
    }
  }

  #answered(reply: Reply | null, next: number): void {
    if (this.#over || reply === null) return;
    if (reply.kind === 'refused') return this.#session.refused(reply);
    if (this.acked >= 0) this.acked = Math.max(this.acked, next);
    this.#session.progress(this.#file);
    this.pump();
  }
}

function bytesOf(entries: readonly Payload[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.bytes;
  return bytes;
}

/** True when there is one entry, too large for one request. */
function isLarge(entries: readonly Payload[], { limits }: ReplicaContext): boolean {
  return entries.length === 1 && entries[0].bytes > limits.pieceBytes;
}
