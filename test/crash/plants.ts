/**
 * Guards of exactly-once, each taken out of a copy of the program, with the kill that shows it.
 *
 * `setting` are changes that break nothing by themselves: small limits, or a delay that makes a rare
 * moment certain. With them alone the job must still come out right, or the plant proves nothing.
 */
import type { JobName } from './jobs.ts';
import { type Patch, smallLimits } from './program.ts';

export interface Plant {
  readonly guard: string;
  /** number in the list of ways in which exactly-once is known to break */
  readonly way: number;
  readonly patches: readonly Patch[];
  readonly setting?: readonly Patch[];
  readonly job: JobName;
  readonly seed?: number;
  /** more of the source in the job file */
  readonly source?: string;
  readonly kills: readonly (readonly [failpoint: string, pass: number])[];
  /** what must be said by the oracle, by `verify` or by the program itself */
  readonly noticed: RegExp;
}

const patch = (file: string, from: string, to: string): Patch => ({ file, from, to });

const ORACLE = /the oracle refutes/;
const slowLetters = patch(
  'worker/dead-letters.ts',
  'this.#writer ?? fs.openWriter(fileName, writer, epoch, { create: true });',
  `this.#writer ?? new Promise<void>((resolve) => setTimeout(resolve, 4000))
      .then(() => fs.openWriter(fileName, writer, epoch, { create: true }));`,
);

export const plants: readonly Plant[] = [
  {
    guard: 'a consumer drops what it has taken before',
    way: 4,
    job: 'words',
    kills: [['task.logged-not-acked', 2]],
    setting: [patch('worker/inbox.ts', 'link.ready(entry.receiver.watermark,', 'link.ready(0,')],
    patches: [
      patch('worker/channel-receiver.ts', 'if (last <= this.#accepted) {', 'if (last < 0) {'),
      patch(
        'worker/channel-receiver.ts',
        'const skip = this.#accepted + 1 - firstSeq;',
        'const skip = 0;',
      ),
      patch(
        'worker/channel-receiver.ts',
        "assert(seq <= this.#accepted, 'only what was accepted is committed');",
        '',
      ),
    ],
    noticed: ORACLE,
  },
  {
    guard: 'watermarks come back from the log',
    way: 4,
    job: 'count',
    kills: [['task.logged-not-acked', 3]],
    patches: [
      patch('worker/recovered-task.ts', 'this.watermarks[producer] = seq;', 'void producer;'),
    ],
    noticed: /the oracle refutes|holds \d+ of the \d+ tuples/,
  },
  {
    guard: 'watermarks come back from the destination',
    way: 10,
    job: 'identity',
    kills: [['sink.appended-not-acked', 2]],
    patches: [
      patch('worker/commit-sink.ts', 'if (writer.position.seq === 0) {', 'if (producers > 0) {'),
    ],
    noticed: ORACLE,
  },
  {
    guard: 'lines and the progress they stand for are one write',
    way: 9,
    job: 'identity',
    kills: [['sink.appended-not-acked', 3]],
    patches: [
      patch(
        'worker/commit-sink.ts',
        'this.#watermarks[producer] = lastSeq;',
        'queueMicrotask(() => { this.#watermarks[producer] = lastSeq; });',
      ),
    ],
    noticed: ORACLE,
  },
  {
    guard: 'the destination drops an append that it has',
    way: 11,
    job: 'count',
    kills: [['sink.before-redelivery', 4]],
    patches: [
      patch('hydfs/file-state.ts', 'if (seq <= writer.seq) return {', 'if (seq < 0) return {'),
      patch(
        'hydfs/file-state.ts',
        "return seq === writer.seq + 1 ? LOGGED : { kind: 'gap'",
        "return seq > 0 ? LOGGED : { kind: 'gap'",
      ),
      patch('worker/output-port.ts', 'if (seq <= this.#ackedSeq) {', 'if (seq < 0) {'),
    ],
    noticed: ORACLE,
  },
  {
    guard: 'inputs are acknowledged when they are durable, not before',
    way: 7,
    job: 'transform',
    kills: [['source.before-position', 2]],
    setting: smallLimits,
    patches: [
      patch(
        'worker/commit-log.ts',
        'await this.#append(this.#record(batch, firstSeqs));',
        `const record = this.#record(batch, firstSeqs);
    setTimeout(() => void this.#append(record), 2000);`,
      ),
    ],
    noticed: /the oracle refutes|holds \d+ of the \d+ tuples|has consumed up to tuple/,
  },
  {
    guard: 'the position of a source is logged when what is before it is acknowledged',
    way: 7,
    job: 'transform',
    kills: [['source.before-position', 2]],
    setting: smallLimits,
    patches: [
      patch(
        'worker/source-task.ts',
        '({ placed }) => !placed.every((seq, i) => live.ports[i].ackedSeq >= seq),',
        '({ placed }) => placed.length > live.ports.length,',
      ),
    ],
    noticed: /the oracle refutes|holds \d+ of the \d+ tuples/,
  },
  {
    guard: 'logged outputs are delivered again',
    way: 6,
    job: 'count',
    kills: [['task.logged-not-acked', 3]],
    patches: [
      patch(
        'worker/task-outputs.ts',
        'opened[port].deliver(firstSeq, count, bytes);',
        'void opened[port].numbersFor(firstSeq + count + bytes.length);',
      ),
    ],
    noticed: /delivered in the order they were placed|has consumed up to tuple|the oracle refutes/,
  },
  {
    guard: 'outputs leave after they are logged',
    way: 6,
    job: 'transform',
    kills: [['sink.appended-not-acked', 1]],
    patches: [
      patch(
        'worker/commit-log.ts',
        'await this.#append(this.#record(batch, firstSeqs));',
        `this.#deliver(batch.outputs, firstSeqs, batch.deaths);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await this.#append(this.#record(batch, firstSeqs));
    if (bytes >= 0) return;`,
      ),
    ],
    noticed: /the oracle refutes|has consumed up to tuple/,
  },
  {
    guard: 'the state of an aggregate comes back by replay',
    way: 10,
    job: 'count',
    kills: [['sink.before-redelivery', 3]],
    patches: [patch('worker/kept-inputs.ts', 'if (count > 0) yield', 'if (count < 0) yield')],
    noticed: ORACLE,
  },
  {
    guard: 'inputs that are repeated beside the log are replayed once',
    way: 10,
    job: 'count',
    kills: [['task.logged-not-acked', 40]],
    setting: smallLimits,
    patches: [patch('worker/kept-inputs.ts', '    at = to;\n', '')],
    noticed: ORACLE,
  },
  {
    guard: 'inputs that an earlier attempt logged and did not repeat are replayed from the log',
    way: 10,
    job: 'count',
    kills: [
      ['task.logged-not-acked', 20],
      ['task.logged-not-acked', 40],
    ],
    setting: smallLimits,
    patches: [
      patch(
        'worker/task-outputs.ts',
        'if (offset >= repeated) kept?.add(',
        'if (offset < 0) kept?.add(',
      ),
    ],
    noticed: ORACLE,
  },
  {
    guard: 'a key goes to the same task when it is sent again',
    way: 5,
    job: 'count',
    source: 'rate: 2000', // most of it is still to be read when it dies
    kills: [['sink.before-redelivery', 2]],
    patches: [
      patch(
        'worker/worker.ts',
        'slots: slotsOf(plan, attempt.stage, slots),',
        `slots: slotsOf(plan, attempt.stage, slots).map(
        (task, _, all) => (task + attempt.epoch) % (1 + Math.max(...all)),
      ),`,
      ),
    ],
    noticed: ORACLE,
  },
  {
    guard: 'dead letters are numbered',
    way: 11,
    job: 'poison',
    kills: [['letters.written-not-acked', 1]],
    patches: [
      patch(
        'worker/dead-letters.ts',
        'const before = placedSeq === null ? file.position.seq : 0;',
        'const before = file.position.seq;',
      ),
    ],
    noticed: /dead letter .* is there 2 times|expected/,
  },
  {
    guard: 'letters of an earlier attempt are in their file before the next append forgets them',
    way: 9,
    job: 'poison',
    seed: 22, // all letters are of the last stage
    setting: [slowLetters],
    kills: [
      ['letters.before-write', 1],
      ['sink.appended-not-acked', 1],
    ],
    patches: [patch('worker/commit-sink.ts', 'this.#lettersDue = options.meta.counts.dead;', '')],
    noticed: /dead letter .* is there 0 times|number 1 comes next/,
  },
];
