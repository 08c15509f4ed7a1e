/**
 * Source kernel: a piece of a file -> lines -> tuples -> a block per consumer.
 *
 * 1. Only whole lines are taken; the caller offers the rest again with what follows it. With `final`
 *    a last line without newline is whole.
 * 2. A line ends with LF; one CR before that LF belongs to the ending, not to the value.
 * 3. The key is `<prefix><line number>`; its digits are counted up in place, and the hash of the
 *    prefix is computed once.
 * 4. What the lines become does not depend on how the file is cut into chunks (blocks may be cut
 *    elsewhere).
 */
import { assert } from '../core/index.ts';
import {
  hashBytes,
  idHiOf,
  LINE_BYTES_MAX,
  LINES_MAX,
  newlineFrom,
  SOURCES_MAX,
  slotOfHash,
} from '../plan/index.ts';
import type { RoutedBlock } from './block-writer.ts';
import { type Bytes, bytesOf } from './growable.ts';
import { partitioner } from './partitioner.ts';

export interface SplitSourceArgs {
  readonly chunk: Uint8Array;
  /** no bytes follow this chunk */
  readonly final: boolean;
  readonly sourceIndex: number;
  /** `<file>:` */
  readonly keyPrefix: Uint8Array;
  /** number of the chunk's first line */
  readonly firstLine: number;
  /** lines to take at most */
  readonly maxTuples: number;
  readonly consumers: number;
  readonly slots: Uint16Array;
}

export interface SplitSourceResult {
  /** how much of the chunk was used: whole lines */
  readonly consumedBytes: number;
  readonly lines: number;
  readonly blocks: RoutedBlock[];
  /** number of a line longer than LINE_BYTES_MAX, in front of which this stopped; usually null */
  readonly overlong: number | null;
}

const CR = 13;

/** Cuts `chunk` into tuples and routes them. */
export function splitSource(args: SplitSourceArgs): SplitSourceResult {
  const { chunk, final, firstLine, maxTuples, consumers, slots } = args;
  assert(args.sourceIndex < SOURCES_MAX, 'a source index fits its 16 bits');
  assert(firstLine + maxTuples <= LINES_MAX, 'a line number fits its 48 bits');
  partitioner.begin(consumers, slots);
  const source = bytesOf(chunk);
  const key = new LineKey(args.keyPrefix, firstLine);
  const size = chunk.length;
  let line = firstLine;
  let at = 0;
  let overlong: number | null = null;
  for (const lastLine = firstLine + maxTuples; line < lastLine && at < size; line++) {
    const newline = newlineFrom(source.bytes, source.view, at, size);
    const end = lineEnd(source.bytes, at, newline, size);
    // An unfinished line may still turn out to end with CR LF.
    const limit = newline < 0 && !final ? LINE_BYTES_MAX + 1 : LINE_BYTES_MAX;
    if (end - at > limit) {
      overlong = line;
      break;
    }
    if (newline < 0 && !final) break;
    const writer = partitioner.writer(slots[key.slot()], key.length + end - at);
    writer.addKey(key, 0, key.length);
    writer.addValue(source, at, end);
    writer.add(idHiOf(args.sourceIndex, line), line >>> 0);
    key.increment();
    at = newline < 0 ? size : newline + 1;
  }
  return { consumedBytes: at, lines: line - firstLine, blocks: partitioner.finish(), overlong };
}

/** Where the value of the line beginning at `at` ends. */
function lineEnd(bytes: Buffer, at: number, newline: number, size: number): number {
  if (newline < 0) return size;
  return newline > at && bytes[newline - 1] === CR ? newline - 1 : newline;
}

/** `<prefix><decimal number>`, counted up in place. */
class LineKey implements Bytes {
  readonly bytes: Buffer;
  readonly view: DataView;
  length: number;
  readonly #prefix: number;
  readonly #prefixHash: number;

  constructor(prefix: Uint8Array, first: number) {
    // 15 digits hold 2^48, and one more for the last increment.
    this.bytes = Buffer.allocUnsafeSlow(prefix.length + 16);
    this.view = new DataView(this.bytes.buffer);
    this.bytes.set(prefix);
    this.#prefix = prefix.length;
    this.#prefixHash = hashBytes(prefix, 0, prefix.length);
    this.length = prefix.length + this.bytes.write(String(first), prefix.length, 'latin1');
  }

  slot(): number {
    return slotOfHash(hashBytes(this.bytes, this.#prefix, this.length, this.#prefixHash));
  }

  increment(): void {
    let i = this.length - 1;
    for (; i >= this.#prefix && this.bytes[i] === 57; i--) this.bytes[i] = 48;
    if (i >= this.#prefix) {
      this.bytes[i] += 1;
      return;
    }
    this.bytes[this.#prefix] = 49;
    this.bytes[this.length++] = 48;
  }
}
