/**
 * At-least-once: no log. Outputs leave at once; a batch's inputs are acknowledged when every output
 * placed with it or before it has been acknowledged downstream. A task that dies forgets what it
 * had, and its producers send it again.
 */
import type { CommitStrategy } from './commit-strategy.ts';
import { countsAfter, stagedBytes } from './commit-strategy.ts';
import { type DurableCounts, noCounts } from './counts.ts';
import type { DeadLetterPort } from './dead-letters.ts';
import type { OutputPort } from './output-port.ts';
import type { StagedBatch } from './staged-batch.ts';

interface Waiting {
  readonly placed: readonly number[];
  readonly deaths: number;
  readonly bytes: number;
  readonly release: () => void;
}

export class RelayCommit implements CommitStrategy {
  readonly #ports: readonly OutputPort[];
  readonly #deadLetters: DeadLetterPort;
  #counts: DurableCounts = noCounts;
  #pendingBytes = 0;
  #waiting: Waiting[] = [];

  constructor(options: { ports: readonly OutputPort[]; deadLetters: DeadLetterPort }) {
    this.#ports = options.ports;
    this.#deadLetters = options.deadLetters;
  }

  get counts(): DurableCounts {
    return this.#counts;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  commit(batch: StagedBatch): Promise<void> {
    this.#counts = countsAfter(this.#counts, batch);
    const bytes = stagedBytes(batch);
    this.#pendingBytes += bytes;
    for (const output of batch.outputs) {
      const port = this.#ports[output.port];
      port.deliver(port.place(output.count), output.count, output.bytes);
    }
    for (const death of batch.deaths) this.#deadLetters.write(death);
    const { promise, resolve } = Promise.withResolvers<void>();
    const placed = this.#ports.map((port) => port.placedSeq);
    this.#waiting.push({ placed, deaths: this.#counts.dead, bytes, release: resolve });
    this.progressed();
    return promise;
  }

  progressed(): void {
    let done = 0;
    while (done < this.#waiting.length && this.#acked(this.#waiting[done])) {
      this.#pendingBytes -= this.#waiting[done].bytes;
      this.#waiting[done].release();
      done += 1;
    }
    if (done > 0) this.#waiting = this.#waiting.slice(done);
  }

  #acked({ placed, deaths }: Waiting): boolean {
    return (
      this.#deadLetters.ackedSeq >= deaths &&
      this.#ports.every((port, i) => port.ackedSeq >= placed[i])
    );
  }
}
