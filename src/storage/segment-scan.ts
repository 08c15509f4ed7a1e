/**
 * Reads the entries of one segment in big chunks.
 *
 * R1 A payload is handed out only when both checksums of its entry fit.
 * R2 Chunks are fresh memory: payloads are views that stay good for as long as somebody holds them.
 * R3 Skipped entries cost their headers only; a large skipped payload is not even read.
 */
import { crc32 } from '../core/index.ts';
import type { DiskFile } from './disk.ts';
import { ENTRY_HEADER_BYTES, readEntryHeader } from './entry.ts';

const CHUNK_BYTES = 1024 * 1024;

export interface ScannedEntry {
  readonly position: number;
  readonly payload: Uint8Array;
}

export class SegmentScan {
  /** The first byte that has not been accepted as part of an entry. */
  position: number;
  /** The `base` of the last accepted entry. */
  lastBase = 0;
  /** True once the bytes at `position` are known not to be an entry. */
  invalid = false;
  readonly #file: DiskFile;
  readonly #salt: number;
  readonly #chunkBytes: number;
  /** Of the last entry: the next ones are often as long, and then chunks end where one of them does. */
  #entryBytes = 1;
  #chunk: Buffer = Buffer.alloc(0);
  #chunkStart: number;

  constructor(file: DiskFile, options: { salt: number; position: number; chunkBytes?: number }) {
    this.#file = file;
    this.#salt = options.salt;
    this.#chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
    this.position = options.position;
    this.#chunkStart = options.position;
  }

  /**
   * The next entries below byte `end`, after `skip` ones that are passed over; empty when there are
   * none, either because `position` has reached `end` or because the bytes there are `invalid`.
   */
  async next(end: number, skip = 0): Promise<{ entries: ScannedEntry[]; skipped: number }> {
    const entries: ScannedEntry[] = [];
    let skipped = 0;
    while (entries.length === 0 && this.position < end && !this.invalid) {
      const wanted = this.#parse(entries, end, skip - skipped);
      skipped += wanted.skipped;
      if (entries.length > 0 || this.invalid || this.position >= end) break;
      await this.#fill(wanted.bytes, end);
    }
    return { entries, skipped };
  }

  /** Takes whole entries from the chunk; how many bytes from `position` are needed to go on. */
  #parse(entries: ScannedEntry[], end: number, skip: number): { bytes: number; skipped: number } {
    let skipped = 0;
    while (this.position < end) {
      const at = this.position - this.#chunkStart;
      const left = end - this.position;
      if (left < ENTRY_HEADER_BYTES) return this.#stop(skipped);
      if (at < 0 || at + ENTRY_HEADER_BYTES > this.#chunk.length) {
        return { bytes: ENTRY_HEADER_BYTES, skipped };
      }
      const header = readEntryHeader(this.#chunk, at, this.#salt);
      const size = ENTRY_HEADER_BYTES + (header?.length ?? 0);
      if (header === null || size > left) return this.#stop(skipped);
      if (skipped < skip) {
        skipped += 1;
      } else {
        if (at + size > this.#chunk.length) return { bytes: size, skipped };
        const payload = this.#chunk.subarray(at + ENTRY_HEADER_BYTES, at + size);
        if (crc32(payload, this.#salt) !== header.payloadCrc) return this.#stop(skipped);
        entries.push({ position: this.position, payload });
      }
      this.lastBase = header.base;
      this.position += size;
      this.#entryBytes = size;
    }
    return { bytes: 0, skipped };
  }

  #stop(skipped: number): { bytes: number; skipped: number } {
    this.invalid = true;
    return { bytes: 0, skipped };
  }

  /** Makes a chunk that begins at `position` and holds at least `bytes`, if the file does. */
  async #fill(bytes: number, end: number): Promise<void> {
    const wanted = Math.ceil(this.#chunkBytes / this.#entryBytes) * this.#entryBytes;
    const size = Math.min(Math.max(bytes, wanted), end - this.position);
    const chunk = Buffer.allocUnsafeSlow(size);
    const kept = this.#chunk.subarray(
      Math.min(Math.max(this.position - this.#chunkStart, 0), this.#chunk.length),
    );
    const usable = this.position >= this.#chunkStart ? Math.min(kept.length, size) : 0;
    chunk.set(kept.subarray(0, usable));
    const count = await this.#file.read(chunk.subarray(usable), this.position + usable);
    this.#chunk = chunk.subarray(0, usable + count);
    this.#chunkStart = this.position;
    if (usable + count < Math.min(bytes, size)) this.invalid = true;
  }
}
