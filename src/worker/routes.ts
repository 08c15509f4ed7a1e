/** Where the consumer tasks of each job are, as the leader last said. */
import type { Route } from './channel-hub.ts';

/** An address that says: this task needs nothing any more. */
const FINISHED = 'finished';

export class Routes {
  readonly #stages = new Map<string, Map<number, string>>();

  /** Takes in routes to tasks of stage `stage`; a later word replaces an earlier one. */
  update(job: string, stage: number, routes: readonly (readonly [number, string])[]): void {
    const key = `${job}/${stage}`;
    const known = this.#stages.get(key) ?? new Map<number, string>();
    for (const [index, address] of routes) known.set(index, address);
    this.#stages.set(key, known);
  }

  find(job: string, stage: number, index: number): Route {
    const address = this.#stages.get(`${job}/${stage}`)?.get(index);
    if (address === undefined) return null;
    return address === FINISHED ? 'finished' : { address };
  }

  /** Drops everything about `job`. */
  forget(job: string): void {
    for (const key of this.#stages.keys()) {
      if (key.startsWith(`${job}/`)) this.#stages.delete(key);
    }
  }
}
