/**
 * The order of the entries of one file: per writer, which epochs were opened and which numbers were
 * appended.
 *
 *   open(e)      e is above every epoch opened before
 *   append(e, n) e is the epoch opened last; n is one more than the last
 *
 * Where a file was trimmed, its first entries say where each writer stood; what is checked begins
 * there. After a hole the count begins anew behind it, so that one hole is told once.
 */
import type { FileEntry } from '../hydfs/index.ts';
import type { Findings } from './findings.ts';
import type { CheckId } from './verdict.ts';

interface WriterRow {
  epoch: number;
  /** The last number; null when it is not known. */
  seq: number | null;
}

export interface WriterRulesOptions {
  readonly findings: Findings;
  readonly file: string;
  /** false: entries before the first one seen may have been trimmed */
  readonly fromStart: boolean;
  /** The checks that a missing number and a repeated one refute. */
  readonly hole: CheckId;
  readonly repeat: CheckId;
  /** The newest epoch that the leader gave out to a writer; null for writers it knows nothing of. */
  readonly newest: (writer: string) => number | null;
}

/** How an entry stands to the one before it of its writer. */
export type Standing = 'next' | 'after-hole' | 'repeat';

export class WriterRules {
  readonly #options: WriterRulesOptions;
  readonly #writers = new Map<string, WriterRow>();

  constructor(options: WriterRulesOptions) {
    this.#options = options;
  }

  /** The last number of `writer`; 0 when it appended nothing. */
  lastSeq(writer: string): number {
    return this.#writers.get(writer)?.seq ?? 0;
  }

  /** Takes the next entry. */
  take(entry: FileEntry): Standing {
    const { findings } = this.#options;
    findings.examined('intact', 'entries');
    findings.examined('epochs', entry.kind === 'open' ? 'openings' : 'appends');
    if (entry.kind === 'append') return this.#appended(entry);
    this.#opened(entry);
    return 'next';
  }

  #opened(entry: FileEntry): void {
    const { findings, newest, fromStart } = this.#options;
    const { writer, epoch } = entry;
    const row = this.#writers.get(writer);
    findings.expect('epochs', row === undefined || epoch > row.epoch, () => {
      return `${this.#where(entry)}: epoch ${epoch} was opened after epoch ${row?.epoch}`;
    });
    const given = newest(writer);
    findings.expect('epochs', given === null || epoch <= given, () => {
      return `${this.#where(entry)}: epoch ${epoch} was opened, the newest ever given out is ${given}`;
    });
    const before = fromStart ? 0 : null;
    this.#writers.set(writer, { epoch, seq: row === undefined ? before : row.seq });
  }

  #appended(entry: FileEntry): Standing {
    const { findings, fromStart } = this.#options;
    const { writer, epoch, seq } = entry;
    const row = this.#writers.get(writer);
    if (row === undefined) {
      findings.expect('epochs', !fromStart, () => {
        return `${this.#where(entry)}: epoch ${epoch} was never opened`;
      });
      this.#writers.set(writer, { epoch, seq });
      return 'after-hole';
    }
    findings.expect('epochs', epoch === row.epoch, () => {
      return `${this.#where(entry)}: it carries epoch ${epoch}, but epoch ${row.epoch} was open`;
    });
    return this.#numbered(entry, row);
  }

  #numbered(entry: FileEntry, row: WriterRow): Standing {
    const { findings, hole, repeat } = this.#options;
    const last = row.seq;
    if (last === null || entry.seq > last) row.seq = entry.seq;
    if (last === null) return 'after-hole';
    const once = findings.expect(repeat, entry.seq > last, () => {
      return `${this.#where(entry)}: number ${entry.seq} comes again after number ${last}`;
    });
    if (!once) return 'repeat';
    const whole = findings.expect(hole, entry.seq === last + 1, () => {
      return `${this.#where(entry)}: it follows number ${last}, what was between is missing`;
    });
    return whole ? 'next' : 'after-hole';
  }

  #where({ writer, seq, index, kind }: FileEntry): string {
    const what = kind === 'open' ? `entry ${index}` : `append ${seq} (entry ${index})`;
    return `${this.#options.file}: ${what} of ${writer === '' ? 'nobody' : writer}`;
  }
}
