/**
 * Appends that are too large for one request: their bytes come in parts before the request, which
 * then names them. What is held is bounded; the oldest go first, and their append is tried again.
 */
import { bytesIn } from '../../core/index.ts';
import { notReady } from './passing.ts';

/** Bytes of one part; a request with appends of less has them with it. */
export const PART_BYTES = 8 * 1024 * 1024;
/** Bytes of all that wait for their request. */
const HELD_BYTES_MAX = 256 * 1024 * 1024;

interface Upload {
  readonly parts: Uint8Array[];
  bytes: number;
}

export class Uploads {
  readonly #held = new Map<string, Upload>();
  #bytes = 0;

  /** Takes the part that begins at byte `at`; the first one begins the upload anew. */
  put(upload: string, at: number, part: readonly Uint8Array[]): void {
    if (at === 0) this.#drop(upload);
    const held = this.#held.get(upload) ?? { parts: [], bytes: 0 };
    if (held.bytes !== at) throw notReady(upload, `${held.bytes} bytes are here, not ${at}`);
    const bytes = bytesIn(part);
    held.parts.push(...part);
    held.bytes += bytes;
    this.#bytes += bytes;
    this.#held.delete(upload);
    this.#held.set(upload, held);
    for (const oldest of this.#held.keys()) {
      if (this.#bytes <= HELD_BYTES_MAX) break;
      this.#drop(oldest);
    }
  }

  /** All bytes of an upload, which is over then. @throws REPLICA_NOT_READY */
  take(upload: string): readonly Uint8Array[] {
    const held = this.#held.get(upload);
    if (held === undefined) throw notReady(upload, 'its bytes are not here');
    this.#drop(upload);
    return held.parts;
  }

  #drop(upload: string): void {
    this.#bytes -= this.#held.get(upload)?.bytes ?? 0;
    this.#held.delete(upload);
  }
}
