/** Bytes of stderr kept in memory per process: a long traceback. */
const TAIL_BYTES_MAX = 16 * 1024;
/** Lines of it that a sentence shows. */
const SHOWN_LINES_MAX = 30;

/** The last bytes that a process wrote to stderr, and which of them came since a mark. */
export class StderrTail {
  #chunks: Buffer[] = [];
  #bytes = 0;
  #sinceMark = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(Buffer.from(chunk.subarray(-TAIL_BYTES_MAX)));
    this.#bytes += chunk.length;
    this.#sinceMark += chunk.length;
    while (this.#chunks.length > 1 && this.#held() - this.#chunks[0].length >= TAIL_BYTES_MAX) {
      this.#chunks.shift();
    }
  }

  /** What comes from now on belongs to the next input. */
  mark(): void {
    this.#sinceMark = 0;
  }

  /** What came since the mark, as far as it is kept. */
  sinceMark(): string {
    return this.#text(this.#sinceMark);
  }

  /** Everything kept. */
  all(): string {
    return this.#text(this.#bytes);
  }

  #held(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  #text(bytes: number): string {
    if (bytes === 0) return '';
    const kept = Buffer.concat(this.#chunks);
    return kept.subarray(-Math.min(bytes, TAIL_BYTES_MAX, kept.length)).toString('utf8');
  }
}

/** `text` as the indented end of a sentence, or nothing when it is empty. */
export function quoteTrace(text: string): string {
  const lines = text.trimEnd().split('\n').slice(-SHOWN_LINES_MAX);
  return lines.length === 1 && lines[0] === '' ? '' : lines.map((each) => `\n  | ${each}`).join('');
}
