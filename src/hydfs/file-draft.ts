/**
 * A file that is copied from elsewhere, aside, until it is whole and takes the place of what is there
 * under its name. What was there stays until then, and a copy that was cut short is never taken for
 * one that is whole.
 */
import { fault } from '../core/index.ts';
import type { Payload } from '../storage/index.ts';
import type { OpenFile } from './open-file.ts';
import type { StoredDraft, StoredFile } from './replication/stored-files.ts';

export interface FileDraftOptions {
  /** Open, in a directory aside. */
  readonly file: OpenFile;
  /** Moves the file, which is durable and closed, to its place. */
  readonly place: () => Promise<StoredFile>;
  /** Deletes what is aside. */
  readonly discard: () => Promise<void>;
}

export class FileDraft implements StoredDraft {
  readonly #options: FileDraftOptions;
  #ended = false;

  constructor(options: FileDraftOptions) {
    this.#options = options;
  }

  get nextIndex(): number {
    return this.#options.file.nextIndex;
  }

  copyIn(index: number, payloads: readonly Payload[]): Promise<void> {
    if (this.#ended) return Promise.reject(this.#closed());
    return this.#options.file.copyIn(index, payloads);
  }

  async place(): Promise<StoredFile> {
    if (this.#ended) throw this.#closed();
    this.#ended = true;
    const { file, place, discard } = this.#options;
    try {
      await file.settled();
      await file.close();
      return await place();
    } catch (error) {
      await file.close();
      await discard();
      throw error;
    }
  }

  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#options.file.close();
    await this.#options.discard();
  }

  #closed(): Error {
    return fault('LOG_CLOSED', { path: `a draft of ${this.#options.file.state.name}` });
  }
}
