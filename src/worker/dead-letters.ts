/**
 * A task's way into the job's dead letter file: one JSON line for each input that its operator could
 * not survive. Letters are numbered per task; the file drops repeats by number, so writing again
 * after a restart is harmless. A task without a log (at-least-once) does not know its numbers; it
 * goes on behind whatever the file holds of it.
 */
import { failpoint } from '../core/index.ts';
import type { FileSystem, FileWriter } from '../hydfs/index.ts';
import type { StagedDeath } from './staged-batch.ts';

export interface DeadLetterOptions {
  readonly fs: FileSystem;
  /** HyDFS name of the job's dead letter file; made when the first letter is written */
  readonly fileName: string;
  /** unique among the tasks of the job */
  readonly writer: string;
  readonly epoch: number;
  readonly stage: string;
  readonly index: number;
  /** letters placed by earlier attempts; null when nobody knows (at-least-once) */
  readonly placedSeq: number | null;
  readonly progressed: () => void;
  readonly broken: (error: unknown) => void;
}

export class DeadLetterPort {
  readonly #options: DeadLetterOptions;
  #writer: Promise<FileWriter> | null = null;
  #placedSeq: number;
  #ackedSeq: number;

  constructor(options: DeadLetterOptions) {
    this.#options = options;
    this.#placedSeq = options.placedSeq ?? 0;
    this.#ackedSeq = this.#placedSeq;
  }

  /** Every letter up to this number is in the file. */
  get ackedSeq(): number {
    return this.#ackedSeq;
  }

  get settled(): boolean {
    return this.#ackedSeq === this.#placedSeq;
  }

  /** Writes the next letter; `settled` says when it is durable. */
  write(death: StagedDeath): void {
    this.#placedSeq += 1;
    this.#append(this.#placedSeq, death);
  }

  /** Writes letters of an earlier attempt again, those that the file may lack. */
  rewrite(letters: readonly { readonly seq: number; readonly letter: StagedDeath }[]): void {
    if (letters.length === 0) return;
    this.#ackedSeq = letters[0].seq - 1;
    for (const { seq, letter } of letters) this.#append(seq, letter);
  }

  #append(seq: number, death: StagedDeath): void {
    failpoint('letters.before-write');
    const { fs, fileName, writer, epoch, placedSeq, progressed, broken } = this.#options;
    const opened = this.#writer ?? fs.openWriter(fileName, writer, epoch, { create: true });
    this.#writer = opened;
    opened
      .then((file) => {
        const before = placedSeq === null ? file.position.seq : 0;
        return file.append({ seq: before + seq, parts: [this.#line(death)] });
      })
      .then(() => {
        failpoint('letters.written-not-acked');
        this.#ackedSeq = Math.max(this.#ackedSeq, seq);
        progressed();
      })
      .catch(broken);
  }

  #line(death: StagedDeath): Uint8Array {
    const { stage, index } = this.#options;
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
    const letter = {
      id: death.id,
      stage,
      task: index,
      reason: death.reason,
      key: text(death.key),
      value: text(death.value),
      trace: death.trace,
    };
    return Buffer.from(`${JSON.stringify(letter)}\n`);
  }
}
