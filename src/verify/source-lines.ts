/** Reads a source again and counts, line by line, which task of the first stage each belongs to. */
import { type FileHandle, open } from 'node:fs/promises';
import { crc32, reasonOf } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import { splitSource } from '../kernels/index.ts';
import type { Location } from '../plan/index.ts';
import type { SourceState } from '../worker/index.ts';

const CHUNK_BYTES = 1024 * 1024;
const LINES_PER_STEP = 65_536;

export interface SourceAgain {
  readonly lines: number;
  /** Lines for each task of the first stage. */
  readonly placed: readonly number[];
}

export interface SourceLinesOptions {
  readonly location: Location;
  readonly fs: FileSystem;
  readonly state: SourceState;
  readonly follow: boolean;
  readonly sourceIndex: number;
  /** the name that is in the keys */
  readonly file: string;
  readonly consumers: number;
  readonly slots: Uint16Array;
}

/** The lines of a source; a text says why it cannot be read again as it was. */
export async function sourceLines(options: SourceLinesOptions): Promise<SourceAgain | string> {
  const { location, fs } = options;
  if (location.kind === 'hydfs') {
    try {
      const { length } = await fs.stat(location.name);
      const read = (from: number, to: number) => fs.read(location.name, { from, to });
      return await count(options, length, read);
    } catch (error) {
      return `it cannot be read any more (${reasonOf(error)})`;
    }
  }
  const handle = await open(location.path, 'r').catch((error: unknown) => reasonOf(error));
  if (typeof handle === 'string') return `it cannot be read any more (${handle})`;
  try {
    const found = await handle.stat();
    const changed = changedSince(options, found);
    if (changed !== null) return changed;
    return await count(options, found.size, (from, to) => readLocal(handle, from, to));
  } finally {
    await handle.close();
  }
}

function changedSince(
  { state, follow }: SourceLinesOptions,
  found: { size: number; mtimeMs: number; ino: number },
): string | null {
  const { size, modifiedMs, inode } = state.identity;
  if (found.ino !== inode || found.size < size) return 'another file has taken its place since';
  const same = found.size === size && found.mtimeMs === modifiedMs;
  return same || follow ? null : 'it was changed since';
}

async function* readLocal(
  handle: FileHandle,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; ) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, to - at));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

async function count(
  options: SourceLinesOptions,
  size: number,
  read: (from: number, to: number) => AsyncIterable<Uint8Array>,
): Promise<SourceAgain | string> {
  const { state, follow } = options;
  const end = state.stopAt?.offset ?? (follow ? size : state.identity.size);
  const counter = new LineCounter(options);
  let crc = 0;
  let at = 0;
  for await (const piece of read(0, end)) {
    const checked = Math.max(0, Math.min(piece.length, state.position.offset - at));
    if (follow && checked > 0) crc = crc32(piece.subarray(0, checked), crc);
    at += piece.length;
    counter.take(piece);
  }
  if (at < end) return 'it is shorter than it was';
  if (follow && crc !== state.position.crc) return 'what was read of it is different now';
  if (state.stopAt === null && !follow) counter.finish();
  return { lines: counter.lines, placed: counter.placed };
}

/** Cuts pieces of a file into lines with the kernel that the source task uses. */
class LineCounter {
  readonly placed: number[];
  lines = 0;
  readonly #options: SourceLinesOptions;
  readonly #keyPrefix: Uint8Array;
  #rest: Buffer = Buffer.alloc(0);

  constructor(options: SourceLinesOptions) {
    this.#options = options;
    this.#keyPrefix = Buffer.from(`${options.file}:`);
    this.placed = new Array<number>(options.consumers).fill(0);
  }

  take(piece: Uint8Array): void {
    this.#split(
      this.#rest.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#rest, piece]),
      false,
    );
  }

  /** What is left is a line without a newline. */
  finish(): void {
    this.#split(this.#rest, true);
  }

  #split(bytes: Buffer, final: boolean): void {
    const { sourceIndex, consumers, slots } = this.#options;
    let chunk = bytes;
    for (;;) {
      const { consumedBytes, lines, blocks } = splitSource({
        chunk,
        final,
        sourceIndex,
        keyPrefix: this.#keyPrefix,
        firstLine: this.lines,
        maxTuples: LINES_PER_STEP,
        consumers,
        slots,
      });
      for (const { consumer, count: tuples } of blocks) this.placed[consumer] += tuples;
      this.lines += lines;
      chunk = chunk.subarray(consumedBytes);
      if (lines === 0) break;
    }
    this.#rest = chunk;
  }
}
