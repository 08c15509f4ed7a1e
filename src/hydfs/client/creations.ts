/**
 * Which creations were done here a short while ago, by token, so that a client whose connection broke
 * before it heard of its own creation is not told that the file exists already.
 *
 * This memory is of one node: after a primary has died between the creation and its answer, the next
 * one cannot tell whose file it is, and says FILE_EXISTS, which is true and never wrong twice.
 */
import type { PrimaryInfo } from '../replication/index.ts';

/** Creations that are remembered, the newest ones. */
const REMEMBERED = 1024;

export class Creations {
  readonly #done = new Map<string, Promise<PrimaryInfo>>();

  /** What `create` gave when it was run for `token`; runs it when it was not, or failed. */
  once(token: string, create: () => Promise<PrimaryInfo>): Promise<PrimaryInfo> {
    const known = this.#done.get(token);
    if (known !== undefined) return known;
    const made = create();
    this.#done.set(token, made);
    made.catch(() => this.#done.delete(token));
    for (const oldest of this.#done.keys()) {
      if (this.#done.size <= REMEMBERED) break;
      this.#done.delete(oldest);
    }
    return made;
  }
}
