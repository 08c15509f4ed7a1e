import type { PrimaryFile } from './primary-file.ts';

/** Files of which the disk here lacks what every replica that counts has. */
export class Settling {
  readonly #files = new Set<PrimaryFile>();

  /** Calls `goOn` when the disk has it. One call per file waits at a time; it knows of later ones. */
  until(file: PrimaryFile, goOn: () => void): void {
    if (this.#files.has(file)) return;
    this.#files.add(file);
    const settled = (): void => {
      this.#files.delete(file);
      goOn();
    };
    const again = (): void => {
      this.#files.delete(file);
      if (file.phase.kind !== 'gone') this.until(file, goOn);
    };
    file.reached(file.everywhereIndex, { durable: true }).then(settled, again);
  }
}
