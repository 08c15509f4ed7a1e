/**
 * Ctrl-C while a job of a cluster is followed.
 *
 * I1  It asks once what is meant: leave the job alone, stop it, or go on watching. A second Ctrl-C,
 *     at the question or after the wish to stop, leaves the job alone.
 * I2  Where nobody can see the question and answer it, and for SIGTERM, the job is left alone.
 * I3  A wish that the cluster refuses is told, and the job is watched on.
 */
import { createInterface } from 'node:readline';
import { reasonOf } from '../core/index.ts';
import { type Io, write } from './io.ts';

export interface Wishes {
  /** The job goes on without anybody watching. */
  detach(): void;
  /** The job is to end with what it has read. */
  stop(): Promise<void>;
  /** A question is on the screen: nothing may be drawn over it; or it is gone. */
  asking(isAsking: boolean): void;
}

const QUESTION = '\n[d]etach and let the job go on, [s]top it, or Enter to go on watching? ';

export class Interrupts {
  readonly #io: Io;
  readonly #wishes: Wishes;
  readonly #off: () => void;
  readonly #over = new AbortController();
  #asked = false;

  constructor(io: Io, wishes: Wishes) {
    this.#io = io;
    this.#wishes = wishes;
    this.#off = io.onInterrupt((signal) => void this.#interrupted(signal));
  }

  close(): void {
    this.#off();
    this.#over.abort();
  }

  async #interrupted(signal: NodeJS.Signals): Promise<void> {
    const { stdin, stderr } = this.#io;
    const isSeen = stdin.isTTY === true && stderr.isTTY === true;
    if (this.#asked || !isSeen || signal !== 'SIGINT') return this.#wishes.detach();
    this.#asked = true;
    const answer = await this.#ask();
    if (answer === 'detach') this.#wishes.detach();
    else if (answer === 'stop') await this.#stop();
    else this.#asked = false;
  }

  async #stop(): Promise<void> {
    const { stderr } = this.#io;
    try {
      await this.#wishes.stop();
      const text = 'stopping: what has been read is being finished (Ctrl-C leaves it to itself)';
      await write(stderr, `${text}\n`);
    } catch (error) {
      this.#asked = false;
      if (!this.#over.signal.aborted) await write(stderr, `${reasonOf(error)}\n`);
    }
  }

  async #ask(): Promise<'detach' | 'stop' | 'watch'> {
    const { stdin: input, stderr: output } = this.#io;
    const { promise, resolve } = Promise.withResolvers<'detach' | 'stop' | 'watch'>();
    this.#wishes.asking(true);
    const lines = createInterface({ input, output, signal: this.#over.signal });
    lines.once('SIGINT', () => resolve('detach'));
    // Ctrl-D; or the job has ended meanwhile, or the terminal is gone
    lines.once('close', () => resolve('watch'));
    lines.question(QUESTION, (answer) => {
      resolve(/^\s*s/i.test(answer) ? 'stop' : /^\s*d/i.test(answer) ? 'detach' : 'watch');
    });
    const answer = await promise;
    lines.close();
    this.#wishes.asking(false);
    return answer;
  }
}
