/**
 * What clients asked of the files, and what they were told: the checks know nothing else of them.
 *
 * A step of `now` lies between any two things of which one was over before the other began. What has
 * no answer has `ended` infinite: it may take effect at any time, or never.
 */

/** Files that are never removed, and files that come and go. */
export type NameKind = 'kept' | 'passing';

interface Asked {
  readonly name: string;
  /** One life of one process: it sees what it wrote, and never less than before. */
  readonly client: string;
  readonly began: number;
  ended: number;
}

export interface Append extends Asked {
  readonly id: number;
  /** Empty for an append without a writer. */
  readonly writer: string;
  readonly epoch: number;
  readonly seq: number;
}

export interface Open extends Asked {
  readonly writer: string;
  readonly epoch: number;
  /** The number at which the writer stood, once that was told. */
  position: number;
}

/** `exists`: it was refused, because the file was there. */
export interface Create extends Asked {
  outcome: 'unknown' | 'made' | 'exists';
}

export interface Remove extends Asked {
  outcome: 'unknown' | 'removed' | 'missing';
}

export interface Trim extends Asked {
  readonly before: number;
}

export interface Read extends Asked {
  readonly from: number;
  readonly bytes: Uint8Array;
  /** It came to the end that the file had. */
  readonly whole: boolean;
}

/** `length` is null when there was no file. */
export interface Stat extends Asked {
  readonly length: number | null;
}

export class History {
  readonly appends: Append[] = [];
  readonly opens: Open[] = [];
  readonly creates: Create[] = [];
  readonly removes: Remove[] = [];
  readonly trims: Trim[] = [];
  readonly reads: Read[] = [];
  readonly stats: Stat[] = [];
  #now = 0;

  tick(): number {
    this.#now += 1;
    return this.#now;
  }

  asked(name: string, client: string): Asked {
    return { name, client, began: this.tick(), ended: Number.POSITIVE_INFINITY };
  }
}

const PADDING = '.'.repeat(400);

/** The bytes of an append: it names itself, and ends in a line end. */
export function payloadOf({ id, writer, seq }: Append, padding: number): Uint8Array {
  return Buffer.from(`${id} ${writer === '' ? '-' : writer} ${seq} ${PADDING.slice(0, padding)}\n`);
}

/** A payload in a file. */
export interface Line {
  readonly id: number;
  readonly writer: string;
  readonly seq: number;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * The payloads in a part of a file that begins at byte `offset`, which may lie within one.
 * Null when something else is among them.
 */
export function linesIn(bytes: Uint8Array, offset: number): Line[] | null {
  const lines: Line[] = [];
  let at = offset === 0 ? 0 : bytes.indexOf(10) + 1;
  if (offset > 0 && at === 0) return [];
  for (;;) {
    const end = bytes.indexOf(10, at);
    if (end < 0) return lines;
    const match = /^(\d+) (\S+) (\d+) \.*$/.exec(
      Buffer.from(bytes.subarray(at, end)).toString('latin1'),
    );
    if (match === null) return null;
    const writer = match[2] === '-' ? '' : match[2];
    const line = { id: Number(match[1]), writer, seq: Number(match[3]) };
    lines.push({ ...line, offset: offset + at, bytes: end + 1 - at });
    at = end + 1;
  }
}
