import { PieceReader } from './pieces.ts';

/** Bytes and pieces of one write: fewer are not worth a call, more are not any faster. */
const BATCH_BYTES = 1024 * 1024;
const BATCH_PIECES_MAX = 512;

/** As an open file of `node:fs/promises`. */
export interface WrittenFile {
  writev(parts: readonly Uint8Array[]): Promise<{ readonly bytesWritten: number }>;
  datasync(): Promise<void>;
}

/** What was written is on its way to the disk while more comes: a sync at the end would wait for all. */
const SYNC_BYTES = 32 * 1024 * 1024;

/**
 * Writes pieces to a file, many with one call, and while one call is under way takes the next ones:
 * two batches are in memory at most. Pieces must not change before `end`.
 */
export class BatchedWriter {
  /** Bytes that were taken. */
  bytes = 0;
  readonly #handle: WrittenFile;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | null = null;
  /** `bytes` when the last sync began. */
  #syncedAt = 0;

  constructor(handle: WrittenFile) {
    this.#handle = handle;
  }

  /** Takes a piece. @throws what an earlier write met */
  async write(piece: Uint8Array): Promise<void> {
    this.#batch.push(piece);
    this.#batchBytes += piece.length;
    this.bytes += piece.length;
    if (this.#batchBytes >= BATCH_BYTES || this.#batch.length >= BATCH_PIECES_MAX) {
      await this.#flush();
    }
  }

  /** Resolves when everything is on the disk. @throws what a write or a sync met */
  async end(): Promise<void> {
    await this.#flush();
    await this.#writing;
    await this.#syncing;
    await this.#handle.datasync();
  }

  async #flush(): Promise<void> {
    await this.#writing;
    if (this.bytes - this.#syncedAt >= SYNC_BYTES) await this.#sync();
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#writing = this.#writeAll(batch);
    // it is waited for before the next one and at the end, and fails there
    this.#writing.catch(() => {});
  }

  /** Begins to sync what was written; the one before has ended then. */
  async #sync(): Promise<void> {
    await this.#syncing;
    this.#syncedAt = this.bytes;
    this.#syncing = this.#handle.datasync();
    // it is waited for before the next one and at the end, and fails there
    this.#syncing.catch(() => {});
  }

  async #writeAll(batch: readonly Uint8Array[]): Promise<void> {
    const reader = new PieceReader(batch);
    for (let rest = reader.take(reader.left); rest.length > 0; ) {
      const { bytesWritten } = await this.#handle.writev(rest);
      if (bytesWritten === 0) throw new Error('nothing more was written');
      const left = new PieceReader(rest);
      left.take(bytesWritten);
      rest = left.take(left.left);
    }
  }
}
