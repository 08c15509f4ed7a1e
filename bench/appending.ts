/**
 * Writers that append to one file all the time, each with a number of appends under way, and how many
 * are acknowledged meanwhile.
 *
 *   const load = await Appending.begin(files, 'name', { writers: 16, window: 64, bytes: 100 });
 *   const rate = await load.rateDuring(work);
 *   await load.end();
 */
import { systemClock } from '../src/core/index.ts';
import type { FileSystem, FileWriter } from '../src/hydfs/index.ts';
import { perSecond } from './harness.ts';

export interface AppendingOptions {
  readonly writers: number;
  /** Appends of one writer that are under way. */
  readonly window: number;
  /** Of one append. */
  readonly bytes: number;
}

export class Appending {
  readonly #running: Promise<void>;
  #acknowledged = 0;
  #ended = false;

  /** Creates the file and begins. */
  static async begin(
    files: FileSystem,
    name: string,
    options: AppendingOptions,
  ): Promise<Appending> {
    await files.create(name);
    const opened = Array.from({ length: options.writers }, (_, i) =>
      files.openWriter(name, `w${i}`, 1),
    );
    return new Appending(await Promise.all(opened), options);
  }

  private constructor(
    writers: readonly FileWriter[],
    { window, bytes }: Pick<AppendingOptions, 'window' | 'bytes'>,
  ) {
    const data = Buffer.alloc(bytes, 'x');
    this.#running = Promise.all(writers.map((each) => this.#keepOn(each, data, window))).then();
    // who measures or ends it is told
    this.#running.catch(() => {});
  }

  /** Appends that are acknowledged a second while `work` lasts. @throws what an append met */
  async rateDuring(work: Promise<unknown>): Promise<number> {
    const [before, start] = [this.#acknowledged, systemClock.now()];
    await Promise.race([work, this.#running]);
    return perSecond(this.#acknowledged - before, systemClock.now() - start);
  }

  /** Ends after the appends that are under way. */
  end(): Promise<void> {
    this.#ended = true;
    return this.#running;
  }

  async #keepOn(writer: FileWriter, data: Uint8Array, window: number): Promise<void> {
    const flight: Promise<void>[] = [];
    for (let seq = writer.position.seq + 1; !this.#ended; seq++) {
      flight.push(writer.append({ seq, parts: [data] }));
      if (flight.length < window) continue;
      await flight.shift();
      this.#acknowledged += 1;
    }
    await Promise.all(flight);
  }
}
