import type { Payload } from '../../storage/index.ts';
import type { PrimaryPoint } from './primary-point.ts';
import type { ReplicaGate, StoredFile } from './stored-files.ts';

/** Between a file here and the point that it is on. */
export class FileGate implements ReplicaGate {
  readonly #point: PrimaryPoint;
  readonly #stored: StoredFile;

  constructor(point: PrimaryPoint, stored: StoredFile) {
    this.#point = point;
    this.#stored = stored;
  }

  admit(): void {
    this.#point.admit(this.#stored);
  }

  placed(index: number, payload: Payload): void {
    this.#point.placed(this.#stored, index, payload);
  }

  get committedIndex(): number {
    return this.#point.files.get(this.#stored.state.name)?.everywhereIndex ?? 0;
  }

  committed(index: number): Promise<void> {
    return this.#point.committed(this.#stored.state.name, index);
  }
}
