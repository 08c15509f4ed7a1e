/** The dead letter file: which letters it has, to be compared with those that tasks recorded. */
import { crc32 } from '../core/index.ts';
import type { FileEntry, FileSystem } from '../hydfs/index.ts';
import type { DeadLetter } from '../kernels/index.ts';
import { type CutFile, eachEntry } from './cut.ts';
import type { Findings } from './findings.ts';
import { type Standing, WriterRules } from './writers.ts';

/** What identifies a letter; the file has it as one line of JSON. */
interface LetterText {
  readonly id: string;
  readonly key: string;
  readonly value: string;
  readonly reason: string;
  readonly trace: string;
}

export class Letters {
  readonly #findings: Findings;
  /** Per writer and number the CRC-32 of the letter; whoever claims one takes it away. */
  readonly #unclaimed = new Map<string, Map<number, number>>();
  readonly #rules: WriterRules;

  /** @param newest see `WriterRules` */
  constructor(findings: Findings, name: string, newest: (writer: string) => number | null) {
    this.#findings = findings;
    this.#rules = new WriterRules({
      findings,
      file: name,
      fromStart: true,
      hole: 'letters',
      repeat: 'letters',
      newest,
    });
  }

  async read(fs: FileSystem, file: CutFile): Promise<void> {
    await eachEntry(fs, file, this.#findings, (entry) => this.take(entry));
  }

  take(entry: FileEntry): void {
    const standing: Standing = this.#rules.take(entry);
    if (entry.kind === 'open' || standing === 'repeat') return;
    this.#findings.examined('letters', 'lines');
    const letter = parsed(entry.data);
    const readable = this.#findings.expect('letters', letter !== null, () => {
      return `the dead letter ${entry.seq} of ${entry.writer} is not a line of JSON`;
    });
    if (letter === null || !readable) return;
    const mine = this.#unclaimed.get(entry.writer) ?? new Map<number, number>();
    this.#unclaimed.set(entry.writer, mine);
    mine.set(entry.seq, digest(letter));
  }

  /** The last number that `writer` has in the file. */
  count(writer: string): number {
    return this.#rules.lastSeq(writer);
  }

  /** `writer` recorded `letter` as its number `seq`. `due`: it must be in the file by now. */
  claim(writer: string, seq: number, letter: DeadLetter, due: boolean): void {
    this.#findings.examined('letters', 'recorded');
    const mine = this.#unclaimed.get(writer);
    const found = mine?.get(seq);
    if (found === undefined && !due) return;
    mine?.delete(seq);
    this.#findings.expect('letters', found === digest(textOf(letter)), () => {
      const problem =
        found === undefined ? 'is not in the file' : 'says something else in the file';
      return `the dead letter ${seq} of ${writer}, tuple ${letter.id}, ${problem}`;
    });
  }

  /** All tasks have claimed; `unseen` names writers whose early letters cannot be known any more. */
  conclude(unseen: ReadonlySet<string>): void {
    for (const [writer, mine] of this.#unclaimed) {
      if (unseen.has(writer)) continue;
      const [seq] = mine.keys();
      this.#findings.expect('letters', seq === undefined, () => {
        return `the dead letter ${seq} of ${writer} was never recorded by its task`;
      });
    }
  }
}

function textOf(letter: DeadLetter): LetterText {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
  const { id, reason, trace } = letter;
  return { id, key: text(letter.key), value: text(letter.value), reason, trace };
}

function digest({ id, key, value, reason, trace }: LetterText): number {
  return crc32(Buffer.from(JSON.stringify([id, key, value, reason, trace])));
}

function parsed(line: Uint8Array): LetterText | null {
  try {
    return JSON.parse(Buffer.from(line).toString('utf8')) as LetterText;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
