/** Steps that belong to one key, one after the other; a step that fails does not stop the next. */
export class Turns<K> {
  readonly #last = new Map<K, Promise<unknown>>();

  run<T>(key: K, step: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const turn = before === undefined ? step() : before.then(step, step);
    this.#last.set(key, turn);
    const leave = (): void => {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    };
    turn.then(leave, leave);
    return turn;
  }

  /** True when no step of `key` is under way. */
  idle(key: K): boolean {
    return !this.#last.has(key);
  }

  /** Resolves when the steps of the keys that `concerns` picks, asked now, have ended. */
  async settled(concerns: (key: K) => boolean): Promise<void> {
    const turns = [...this.#last].filter(([key]) => concerns(key)).map(([, turn]) => turn);
    await Promise.allSettled(turns);
  }
}
