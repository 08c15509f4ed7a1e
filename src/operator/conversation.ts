import { present } from '../core/index.ts';
import { AnswerScanner } from '../plan/index.ts';
import type { OperatorProcess } from './operator-process.ts';
import type { InputBatch } from './types.ts';

/**
 * What one process was told and what it has answered: the n-th answer belongs to the n-th input.
 * Begins with its process and ends with it, a torn answer included.
 */
export class Conversation {
  readonly process: OperatorProcess;
  readonly scanner = new AnswerScanner();
  /** Inputs sent, answers taken. */
  sent = 0;
  taken = 0;
  #wake: (() => void) | null = null;

  constructor(process: OperatorProcess) {
    this.process = process;
  }

  /** Inputs sent whose answers were not taken. */
  get outstanding(): number {
    return this.sent - this.taken;
  }

  /** Answers that can be taken. */
  get ready(): number {
    return this.scanner.answered - this.taken;
  }

  send(text: Buffer, inputs: number): void {
    if (this.outstanding === 0) this.process.stderr.mark();
    this.sent += inputs;
    this.process.write(text);
  }

  /** The next `n` answers, which are ready. */
  take(n: number): Uint8Array {
    this.taken += n;
    return present(this.scanner.takeUpTo(this.taken), 'only what is ready is taken');
  }

  /** Something happened that `replay` may wait for. */
  wake(): void {
    this.#wake?.();
  }

  /**
   * Sends earlier inputs again and throws their answers away; at most `bytesMax` (or one batch) of
   * them are unanswered at any time. Stops when `isWanted` turns false (after a `wake`).
   */
  async replay(
    batches: AsyncIterable<InputBatch>,
    bytesMax: number,
    isWanted: () => boolean,
    onSend: () => void,
  ): Promise<void> {
    let bytes = 0;
    const drained = (): boolean => {
      this.take(this.ready);
      if (this.outstanding === 0) bytes = 0;
      return this.outstanding === 0;
    };
    for await (const { text, count } of batches) {
      while (isWanted() && !drained() && bytes + text.length > bytesMax) await this.#change();
      if (!isWanted()) return;
      bytes += text.length;
      this.send(Buffer.from(text.buffer, text.byteOffset, text.byteLength), count);
      onSend();
    }
    while (isWanted() && !drained()) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
