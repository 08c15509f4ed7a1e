/**
 * Aligned blocks of files of other nodes, for readers that come back for small ranges. What a file
 * has does not change; a file of the same name that was made later is told by its time of creation.
 * The blocks that were used least recently go first.
 */
export const BLOCK_BYTES = 64 * 1024;

export interface CachedFile {
  readonly name: string;
  readonly createdAt: number;
}

export class BlockCache {
  readonly #bytesMax: number;
  readonly #blocks = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The bytes that are kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The first bytes of a block, at least `length` of them, or null. */
  get(file: CachedFile, block: number, length: number): Uint8Array | null {
    const key = keyOf(file, block);
    const found = this.#blocks.get(key);
    if (found === undefined || found.length < length) return null;
    this.#blocks.delete(key);
    this.#blocks.set(key, found);
    return found;
  }

  /** Keeps the first bytes of a block, or all of them; they must not change any more. */
  put(file: CachedFile, block: number, bytes: Uint8Array): void {
    const key = keyOf(file, block);
    this.#drop(key);
    this.#blocks.set(key, bytes);
    this.#bytes += bytes.length;
    for (const oldest of this.#blocks.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#blocks.get(key)?.length ?? 0;
    this.#blocks.delete(key);
  }
}

function keyOf({ name, createdAt }: CachedFile, block: number): string {
  return `${createdAt}/${block}/${name}`;
}
