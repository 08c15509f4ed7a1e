/** The write-ahead log of one stage task, read into `TaskRules`. */
import type { FileEntry, FileSystem } from '../hydfs/index.ts';
import { decodeRecord, type WalOutput, type WalRecord } from '../kernels/index.ts';
import { decodeBlock } from '../plan/index.ts';
import { recordState } from '../worker/index.ts';
import { type CutFile, eachEntry } from './cut.ts';
import { countLines } from './destination.ts';
import type { Findings } from './findings.ts';
import type { Batch, PlacedOutput, TaskRules } from './task-rules.ts';
import { type Standing, WriterRules } from './writers.ts';

export interface TaskLogOptions {
  readonly findings: Findings;
  readonly file: CutFile;
  readonly rules: TaskRules;
  /** the last stage: outputs are appends of lines */
  readonly toFile: boolean;
  /** the newest epoch given out to the task; null when it is not looked at */
  readonly newest: number | null;
  /** takes every record, with the number of its first dead letter */
  readonly recorded: (record: WalRecord, firstLetter: number) => void;
}

export class TaskLog {
  readonly #options: TaskLogOptions;
  readonly #writers: WriterRules;
  /** True when records are missing, so that what they placed cannot be known. */
  incomplete: boolean;

  constructor(options: TaskLogOptions) {
    const { findings, file, newest } = options;
    this.#options = options;
    this.incomplete = file.trimmedTo > 0;
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
    const { file, findings } = this.#options;
    if (file.trimmedTo > 0) {
      const rest = `a checkpoint in the rest of ${file.name} says where it stood`;
      for (const id of ['inputs', 'outputs', 'counts'] as const) findings.note(id, rest);
    }
    await eachEntry(fs, file, findings, (entry) => this.take(entry));
  }

  take(entry: FileEntry): void {
    const standing: Standing = this.#writers.take(entry);
    if (entry.kind === 'open' || standing === 'repeat') return;
    if (standing === 'after-hole') this.incomplete = true;
    const { rules, recorded, toFile, file } = this.#options;
    const record = decodeRecord(entry.data);
    const where = `${file.name}: record ${entry.seq}`;
    rules.take(batchOf(record, { where, continues: standing === 'next', toFile }));
    recorded(record, recordState(record).counts.dead - record.dead.length + 1);
  }
}

function batchOf(
  record: WalRecord,
  about: { readonly where: string; readonly continues: boolean; readonly toFile: boolean },
): Batch {
  const { ended, counts, acked, full } = recordState(record);
  const placed = record.outputs.map((output) => placedOutput(output, about.toFile));
  return {
    where: about.where,
    continues: about.continues,
    inputs: record.inputs.map(({ producer, seq }) => ({ producer: Number(producer), seq })),
    absolute: false,
    ended,
    outputs: placed,
    tuples: placed.reduce((sum, { tuples }) => sum + tuples, 0),
    fanOut: placed.some(({ fanOut }) => fanOut),
    dead: record.dead,
    kept: keptTuples(record),
    counts,
    acked,
    full,
  };
}

function placedOutput(output: WalOutput, toFile: boolean): PlacedOutput & { fanOut: boolean } {
  const { consumer: port, firstSeq, count: numbers, block: bytes } = output;
  if (toFile) return { port, firstSeq, numbers, tuples: countLines(bytes), fanOut: true };
  const block = decodeBlock(bytes);
  return { port, firstSeq, numbers, tuples: block.count, fanOut: block.fan !== null };
}

function keptTuples({ keep }: WalRecord): number | null {
  if (keep.length === 0) return null;
  return keep.reduce((sum, { block, skip }) => sum + decodeBlock(block).count - skip, 0);
}
