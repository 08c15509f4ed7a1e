/**
 * What one task made durable, batch by batch: what it consumed, what it placed, what it counted.
 *
 * A batch says up to which number of each producer it consumed, so the range it consumed begins
 * where the one before ended. Whether that is true is shown by the counts: what was given to the
 * operator is exactly what lies between the old numbers and the new ones.
 *
 *   V1  numbers of a producer rise, and stay when it has ended
 *   V2  counts.in grows by the sum of what the numbers rose
 *   V3  outputs of a port continue one another; what they hold is as many as they say, and together
 *       as many as counts.out grew
 *   V4  inputs that were neither filtered nor dead gave one output, or several with fan-out
 *   V5  a checkpoint repeats what the records before it established
 *
 * Where something before a batch is missing (trimmed, or a hole that has been told), its numbers are
 * taken as they are and the differences are not looked at.
 */
import type { DeadLetter } from '../kernels/index.ts';
import type { RecordState } from '../worker/index.ts';
import type { Findings } from './findings.ts';

type Counts = RecordState['counts'];

/** Outputs that one batch placed at one port. */
export interface PlacedOutput {
  readonly port: number;
  readonly firstSeq: number;
  /** how many numbers they take */
  readonly numbers: number;
  /** tuples or lines that are really in the bytes */
  readonly tuples: number;
}

/** What a task made durable at once, whether in its log or by an append to the destination. */
export interface Batch {
  /** for counter-examples */
  readonly where: string;
  /** false where something before it is missing */
  readonly continues: boolean;
  readonly inputs: readonly { readonly producer: number; readonly seq: number }[];
  /** `inputs` names every producer, also those of which nothing was consumed */
  readonly absolute: boolean;
  readonly ended: readonly number[];
  readonly outputs: readonly PlacedOutput[];
  /** tuples or lines of all outputs */
  readonly tuples: number;
  /** true when an input may have given several outputs */
  readonly fanOut: boolean;
  readonly dead: readonly DeadLetter[];
  /** tuples kept to rebuild the operator; null when none are kept */
  readonly kept: number | null;
  readonly counts: Counts;
  readonly acked: readonly number[];
  readonly full: RecordState['full'];
}

export interface TaskRulesOptions {
  readonly findings: Findings;
  readonly producers: number;
  readonly ports: number;
  /** the last stage: its outputs are appends of lines */
  readonly toFile: boolean;
  readonly fromStart: boolean;
}

export class TaskRules {
  /** Per producer the highest number consumed; null when it is not known. */
  readonly watermarks: (number | null)[];
  readonly ended: boolean[];
  /** Per port the last number placed; null when it is not known. */
  readonly placed: (number | null)[];
  /** Per port the highest number that the receiver was said to have. */
  readonly acked: number[];
  counts: Counts | null;
  batches = 0;
  readonly #options: TaskRulesOptions;

  constructor(options: TaskRulesOptions) {
    this.#options = options;
    const start = options.fromStart ? 0 : null;
    this.watermarks = new Array<number | null>(options.producers).fill(start);
    this.ended = new Array<boolean>(options.producers).fill(false);
    this.placed = new Array<number | null>(options.ports).fill(start);
    this.acked = new Array<number>(options.ports).fill(0);
    this.counts = options.fromStart ? { in: 0, out: 0, filtered: 0, dead: 0 } : null;
  }

  /** Takes the next batch of the task. */
  take(batch: Batch): void {
    this.batches += 1;
    if (!batch.continues) this.#forget();
    const consumed = this.#inputs(batch);
    this.#outputs(batch);
    this.#counted(batch, consumed);
    if (batch.full !== null) this.#checkpoint(batch, batch.full);
    this.counts = batch.counts;
  }

  #forget(): void {
    this.watermarks.fill(null);
    this.placed.fill(null);
    this.counts = null;
  }

  /** V1. Tuples consumed; null when that cannot be told. */
  #inputs(batch: Batch): number | null {
    const { findings } = this.#options;
    let consumed: number | null = 0;
    for (const { producer, seq } of batch.inputs) {
      findings.examined('inputs', 'ranges');
      const before = this.watermarks[producer];
      if (before === undefined) {
        findings.expect('inputs', false, () => `${batch.where}: there is no producer ${producer}`);
        continue;
      }
      this.watermarks[producer] = Math.max(seq, before ?? 0);
      if (before === null) {
        consumed = null;
        continue;
      }
      const may = batch.absolute || batch.ended.includes(producer);
      const rises = seq > before ? !this.ended[producer] : seq === before && may;
      const sound = findings.expect('inputs', rises, () => {
        const after = this.ended[producer] ? `its end at ${before}` : `number ${before}`;
        return `${batch.where}: consumed producer ${producer} up to ${seq}, after ${after}`;
      });
      if (!sound) consumed = null;
      else if (consumed !== null) consumed += seq - before;
    }
    for (const producer of batch.ended) this.ended[producer] = true;
    return consumed;
  }

  /** V3. */
  #outputs(batch: Batch): void {
    const { findings, toFile } = this.#options;
    for (const { port, firstSeq, numbers, tuples } of batch.outputs) {
      findings.examined('outputs', toFile ? 'appends placed' : 'blocks placed');
      const before = this.placed[port];
      this.placed[port] = firstSeq + numbers - 1;
      if (before === undefined) {
        findings.expect('outputs', false, () => `${batch.where}: there is no receiver ${port}`);
        continue;
      }
      findings.expect('outputs', before === null || firstSeq === before + 1, () => {
        return `${batch.where}: output ${firstSeq} for receiver ${port} follows number ${before}`;
      });
      findings.expect('outputs', toFile || tuples === numbers, () => {
        return `${batch.where}: a block for receiver ${port} says ${numbers} tuples and holds ${tuples}`;
      });
    }
    batch.acked.forEach((seq, port) => {
      this.acked[port] = Math.max(this.acked[port] ?? 0, seq);
      const placed = this.placed[port] ?? null;
      findings.expect('outputs', placed === null || seq <= placed, () => {
        return `${batch.where}: receiver ${port} acknowledged ${seq}, of ${placed} placed`;
      });
    });
  }

  /** V2, V3, V4. */
  #counted(batch: Batch, consumed: number | null): void {
    const { findings, toFile } = this.#options;
    if (this.counts === null) return;
    const grew = (name: keyof Counts): number => batch.counts[name] - (this.counts?.[name] ?? 0);
    const [tuplesIn, out, filtered, dead] = [
      grew('in'),
      grew('out'),
      grew('filtered'),
      grew('dead'),
    ];
    findings.expect('inputs', consumed === null || tuplesIn === consumed, () => {
      return `${batch.where}: ${tuplesIn} tuples were processed of the ${consumed} it consumed`;
    });
    findings.expect('inputs', batch.kept === null || batch.kept === tuplesIn, () => {
      return `${batch.where}: ${batch.kept} inputs were kept of the ${tuplesIn} processed`;
    });
    findings.expect(toFile ? 'sink' : 'outputs', batch.tuples === out, () => {
      return `${batch.where}: ${out} outputs were counted, ${batch.tuples} are there`;
    });
    findings.expect('letters', batch.dead.length === dead, () => {
      return `${batch.where}: ${dead} dead letters were counted, ${batch.dead.length} are there`;
    });
    findings.examined('counts', 'batches');
    findings.examined('counts', 'tuples', tuplesIn);
    const answered = tuplesIn - filtered - dead;
    const adds = batch.fanOut ? answered >= 0 && out >= answered : out === answered;
    findings.expect('counts', adds && filtered >= 0, () => {
      return `${batch.where}: ${tuplesIn} in, ${filtered} filtered and ${dead} dead, but ${out} out`;
    });
  }

  /** V5. */
  #checkpoint(batch: Batch, full: NonNullable<RecordState['full']>): void {
    const { findings } = this.#options;
    full.watermarks.forEach((seq, producer) => {
      const known = this.watermarks[producer];
      findings.expect('inputs', known === null || known === seq, () => {
        return `${batch.where}: the checkpoint has producer ${producer} at ${seq}, the log at ${known}`;
      });
      this.watermarks[producer] = known ?? seq;
    });
    full.placed.forEach((seq, port) => {
      const known = this.placed[port];
      findings.expect('outputs', known === null || known === seq, () => {
        return `${batch.where}: the checkpoint has receiver ${port} at ${seq}, the log at ${known}`;
      });
      this.placed[port] = known ?? seq;
    });
    full.ended.forEach((ended, producer) => {
      if (ended) this.ended[producer] = true;
    });
  }
}
