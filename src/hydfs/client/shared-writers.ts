/**
 * Appends without a writer, made repeatable: this client has one writer per file for all of them.
 *
 * N1  Its name is that of the node's store, so a file gets one row per node that ever appended to it
 *     in this way, however many commands there were. Its epoch is the time of
 *     opening, or more where that is needed to be higher than all before: a later life of the node
 *     takes over from the one before.
 * N2  Numbers are given in the order of the calls. After an append that failed it is not known which
 *     number comes next: the writer is opened again, with a higher epoch, by the next append.
 * N3  A file of the same name that was made later does not know the writer: what was appended has
 *     had no effect, and is appended again, once, by a new one.
 */
import { type Clock, isFault } from '../../core/index.ts';
import type { WriterPosition } from '../file-system.ts';
import type { WriterAppend } from '../replication/index.ts';
import type { AppendDone } from './append-lane.ts';

/** Files of which the writer is remembered. */
const WRITERS_MAX = 1024;

export interface SharedWriterOptions {
  readonly writer: string;
  readonly clock: Clock;
  open(name: string, writer: string, epoch: number): Promise<WriterPosition>;
  append(name: string, append: WriterAppend): Promise<AppendDone>;
}

interface OpenWriter {
  readonly epoch: number;
  seq: number;
}

export class SharedWriters {
  readonly #options: SharedWriterOptions;
  readonly #open = new Map<string, Promise<OpenWriter>>();
  /** Higher than every epoch that was opened: no number of an earlier one is taken for a new one's. */
  #nextEpoch = 1;

  constructor(options: SharedWriterOptions) {
    this.#options = options;
  }

  /** Appends `data`, which must not change before this ends. */
  async append(name: string, data: Uint8Array): Promise<AppendDone> {
    try {
      return await this.#try(name, data);
    } catch (error) {
      if (!isFault(error, 'WRITER_NOT_OPEN')) throw error;
      return this.#try(name, data);
    }
  }

  async #try(name: string, data: Uint8Array): Promise<AppendDone> {
    const opened = this.#writerOf(name);
    try {
      const writer = await opened;
      writer.seq += 1;
      const { epoch, seq } = writer;
      return await this.#options.append(name, {
        writer: this.#options.writer,
        epoch,
        seq,
        parts: [data],
      });
    } catch (error) {
      if (this.#open.get(name) === opened) this.#open.delete(name);
      throw error;
    }
  }

  #writerOf(name: string): Promise<OpenWriter> {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const made = this.#make(name, Math.floor(this.#options.clock.wall()));
    this.#open.set(name, made);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= WRITERS_MAX) break;
      this.#open.delete(oldest);
    }
    return made;
  }

  /** Opens the writer with an epoch of `atLeast`, or higher than the newest (N1). */
  async #make(name: string, atLeast: number): Promise<OpenWriter> {
    const { writer } = this.#options;
    const epoch = Math.max(atLeast, this.#nextEpoch);
    this.#nextEpoch = epoch + 1;
    try {
      const { seq } = await this.#options.open(name, writer, epoch);
      return { epoch, seq };
    } catch (error) {
      if (!isFault(error, 'FENCED')) throw error;
      return this.#make(name, Number(error.parameters.newest) + 1);
    }
  }
}
