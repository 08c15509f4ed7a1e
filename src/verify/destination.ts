/**
 * The destination: which lines each task of the last stage appended.
 *
 * What its appends are compared with depends on how the last stage commits: by the append itself,
 * whose meta says what it consumed (no second log); by its log, which has the same bytes; or, with
 * at-least-once, not at all.
 */
import { crc32 } from '../core/index.ts';
import type { FileEntry, FileSystem } from '../hydfs/index.ts';
import { decodeCbor } from '../wire/index.ts';
import type { SinkMeta } from '../worker/index.ts';
import { type CutFile, eachEntry } from './cut.ts';
import type { Findings } from './findings.ts';
import type { Batch } from './task-rules.ts';
import { type Standing, WriterRules } from './writers.ts';

/** How the last stage of a job makes its outputs durable. */
export type LastCommit = 'append' | 'log' | 'relay';

export interface DestinationOptions {
  readonly findings: Findings;
  readonly name: string;
  readonly commit: LastCommit;
  /** The newest epoch given out to a writer; undefined when it is no task of the last stage. */
  readonly newest: (writer: string) => number | null | undefined;
  /** Takes what an append consumed, when appends are the commits. */
  readonly committed: (writer: string, batch: Batch) => void;
}

interface Appended {
  readonly crc: number;
  readonly length: number;
}

export class Destination {
  readonly #options: DestinationOptions;
  readonly #rules: WriterRules;
  /** Per writer and number what was appended; whoever claims one takes it away. */
  readonly #unclaimed = new Map<string, Map<number, Appended>>();
  readonly #holes = new Set<string>();
  readonly #lines = new Map<string, number>();

  constructor(options: DestinationOptions) {
    this.#options = options;
    this.#rules = new WriterRules({
      findings: options.findings,
      file: options.name,
      fromStart: true,
      hole: 'sink',
      repeat: 'sink',
      newest: (writer) => options.newest(writer) ?? null,
    });
  }

  async read(fs: FileSystem, file: CutFile): Promise<void> {
    await eachEntry(fs, file, this.#options.findings, (entry) => this.take(entry));
  }

  take(entry: FileEntry): void {
    const { findings, newest, commit } = this.#options;
    const known = newest(entry.writer) !== undefined;
    const whose = findings.expect('sink', known, () => {
      const { name } = this.#options;
      return `${name}: entry ${entry.index} is of ${entry.writer || 'nobody'}, no task of the last stage`;
    });
    if (!whose) return;
    const standing = this.#rules.take(entry);
    if (entry.kind === 'open' || standing === 'repeat') return;
    if (standing === 'after-hole') this.#holes.add(entry.writer);
    const lines = this.#linesOf(entry);
    if (commit === 'append') this.#committed(entry, standing, lines);
    if (commit === 'log') this.#keep(entry);
  }

  /** Lines that `writer` appended. */
  lines(writer: string): number {
    return this.#lines.get(writer) ?? 0;
  }

  lastSeq(writer: string): number {
    return this.#rules.lastSeq(writer);
  }

  /** The log of `writer` has `bytes` as its append `seq`. `due`: it must be in the file by now. */
  claim(writer: string, seq: number, bytes: Uint8Array, due: boolean): void {
    const { findings, name } = this.#options;
    findings.examined('sink', 'logged outputs compared');
    const mine = this.#unclaimed.get(writer);
    const found = mine?.get(seq);
    if (found === undefined && (!due || this.#holes.has(writer))) return;
    mine?.delete(seq);
    findings.expect('sink', found !== undefined, () => {
      return `${name}: append ${seq} of ${writer} was logged and is not there`;
    });
    if (found === undefined) return;
    findings.expect('sink', found.length === bytes.length && found.crc === crc32(bytes), () => {
      return `${name}: append ${seq} of ${writer} differs from the log (${found.length} bytes, CRC ${hex(found.crc)}; logged ${bytes.length} bytes, CRC ${hex(crc32(bytes))})`;
    });
  }

  /** All logs have claimed; `unseen` names writers whose early outputs cannot be known any more. */
  conclude(unseen: ReadonlySet<string>): void {
    const { findings, name } = this.#options;
    for (const [writer, mine] of this.#unclaimed) {
      if (unseen.has(writer)) continue;
      const [seq] = mine.keys();
      findings.expect('sink', seq === undefined, () => {
        return `${name}: append ${seq} of ${writer} was never logged by its task`;
      });
    }
  }

  #linesOf({ data, writer, seq }: FileEntry): number {
    const { findings, name } = this.#options;
    const lines = countLines(data);
    findings.examined('sink', 'appends');
    findings.examined('sink', 'lines', lines);
    findings.expect('sink', data.length === 0 || data[data.length - 1] === NEWLINE, () => {
      return `${name}: append ${seq} of ${writer} ends within a line`;
    });
    this.#lines.set(writer, this.lines(writer) + lines);
    return lines;
  }

  #keep({ writer, seq, data }: FileEntry): void {
    const mine = this.#unclaimed.get(writer) ?? new Map<number, Appended>();
    this.#unclaimed.set(writer, mine);
    mine.set(seq, { crc: crc32(data), length: data.length });
  }

  #committed(entry: FileEntry, standing: Standing, lines: number): void {
    const meta = decodeCbor(entry.meta) as SinkMeta;
    this.#options.committed(entry.writer, {
      where: `${this.#options.name}: append ${entry.seq} of ${entry.writer}`,
      continues: standing === 'next',
      inputs: meta.watermarks.map((seq, producer) => ({ producer, seq })),
      absolute: true,
      ended: meta.ended.flatMap((ended, producer) => (ended ? [producer] : [])),
      outputs: [],
      tuples: lines,
      fanOut: true,
      dead: meta.deaths,
      kept: null,
      counts: meta.counts,
      acked: [],
      full: null,
    });
  }
}

const NEWLINE = 10;

/** How many newlines there are in `bytes`. */
export function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

function hex(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, '0');
}
