/**
 * The log of one source task: positions in its file, each with what had been sent by then.
 *
 *   V6  a position never goes back, and has sent each of its lines to exactly one task
 *   V7  the file is the same from the first record to the last; where the stream was ended by hand,
 *       it ends at one place
 */
import type { FileEntry, FileSystem } from '../hydfs/index.ts';
import { decodeRecord } from '../kernels/index.ts';
import type { SourceState } from '../worker/index.ts';
import { type CutFile, eachEntry } from './cut.ts';
import type { Findings } from './findings.ts';
import { WriterRules } from './writers.ts';

export class SourceLog {
  /** What the newest record says; null before the first. */
  last: SourceState | null = null;
  readonly #findings: Findings;
  readonly #file: CutFile;
  readonly #writers: WriterRules;

  constructor(options: { findings: Findings; file: CutFile; newest: number | null }) {
    const { findings, file, newest } = options;
    this.#findings = findings;
    this.#file = file;
    this.#writers = new WriterRules({
      findings,
      file: file.name,
      fromStart: file.trimmedTo === 0,
      hole: 'intact',
      repeat: 'inputs',
      newest: () => newest,
    });
  }

  async read(fs: FileSystem): Promise<void> {
    await eachEntry(fs, this.#file, this.#findings, (entry) => this.take(entry));
  }

  take(entry: FileEntry): void {
    const standing = this.#writers.take(entry);
    if (entry.kind === 'open' || standing === 'repeat') return;
    const state = decodeRecord(entry.data).state as SourceState;
    this.#check(state, `${this.#file.name}: record ${entry.seq}`);
    this.last = state;
  }

  #check(state: SourceState, where: string): void {
    const { position, identity, stopAt } = state;
    this.#findings.examined('inputs', 'source positions');
    const sent = position.placed.reduce((sum, count) => sum + count, 0);
    this.#findings.expect('counts', sent === position.line, () => {
      return `${where}: ${position.line} lines were read and ${sent} tuples sent`;
    });
    if (this.last === null) return;
    const { position: before, identity: known, stopAt: end } = this.last;
    const onward =
      position.line >= before.line &&
      position.offset >= before.offset &&
      position.placed.every((seq, i) => seq >= before.placed[i]);
    this.#findings.expect('inputs', onward, () => {
      return `${where}: the source went back from line ${before.line} to line ${position.line}`;
    });
    const same = identity.size === known.size && identity.inode === known.inode;
    this.#findings.expect('inputs', same, () => `${where}: it read another file than before`);
    this.#findings.expect('inputs', end === null || stopAt?.line === end.line, () => {
      return `${where}: the stream was ended at line ${end?.line}, and again elsewhere`;
    });
  }
}
