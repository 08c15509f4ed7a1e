/** What a task says in its log. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { silentLog } from '../../src/core/index.ts';
import { encodeBlock, type OutputLogging } from '../../src/plan/index.ts';
import { Inbox } from '../../src/worker/inbox.ts';
import { DUPLICATE_LINES, SAMPLE_LINES, TaskJournal } from '../../src/worker/task-journal.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { ManualClock } from '../transport/helpers/manual-clock.ts';

/** Tuples `k: v` of the lines from `first` on of source 0. */
function blockOf(count: number, first = 0): Uint8Array {
  const each = Array.from({ length: count }, (_, i) => i + 1);
  return encodeBlock({
    count,
    idHi: new Uint32Array(count),
    idLo: Uint32Array.from(each, (i) => first + i - 1),
    fan: null,
    keyEnds: Uint32Array.from(each),
    valueEnds: Uint32Array.from(each),
    keys: Buffer.from('k'.repeat(count)),
    values: Buffer.from('v'.repeat(count)),
  });
}

interface Opened {
  readonly journal: TaskJournal;
  readonly clock: ManualClock;
  lines(): string[];
}

function open(t: ExecutionContext, outputs: OutputLogging = 'sample', epoch = 1): Opened {
  const path = join(tmpDir(t), 'task.log');
  const clock = new ManualClock();
  const journal = new TaskJournal({
    path,
    task: 'copy/say[0]',
    epoch,
    node: '127.0.0.1:7070',
    outputs,
    sources: ['in.txt'],
    clock,
    logger: silentLog,
  });
  t.teardown(() => journal.close());
  const said = (): string[] => readFileSync(path, 'utf8').trimEnd().split('\n');
  return {
    journal,
    clock,
    lines: () => said().map((line) => line.replace(/^.*? rainstorm: /, '')),
  };
}

test('a first attempt starts, a later one restarts, with node, pid and operator', (t) => {
  const first = open(t);
  first.journal.started([41, 42], 'say.py');
  const later = open(t, 'sample', 3);
  later.journal.started([], 'source');
  t.deepEqual(
    [...first.lines(), ...later.lines()],
    [
      'start of copy/say[0], attempt 1, node 127.0.0.1:7070, pid 41 42, say.py',
      'restart of copy/say[0], attempt 3, node 127.0.0.1:7070, source',
    ],
  );
});

test('each tuple that an inbox has taken before has a line with its id', (t) => {
  const { journal, lines } = open(t);
  const inbox = new Inbox({
    watermarks: [0],
    ended: [false],
    restartOnNewEpoch: false,
    arrived: () => undefined,
    rejected: (block, count) => journal.rejected(block, count),
    broken: (error) => {
      throw error;
    },
  });
  const none = (): void => undefined;
  const link = { ready: none, ack: none, endAck: none, fenced: none, reset: none };
  inbox.open(0, 1, link);
  inbox.data(0, link, { fromEpoch: 1, firstSeq: 1, count: 2, block: blockOf(2) });
  inbox.data(0, link, { fromEpoch: 1, firstSeq: 1, count: 2, block: blockOf(2) });
  inbox.data(0, link, { fromEpoch: 1, firstSeq: 2, count: 3, block: blockOf(3, 1) });
  t.deepEqual(
    lines(),
    ['in.txt:0', 'in.txt:1', 'in.txt:1'].map((id) => `duplicate rejected ${id}`),
  );
  t.is(inbox.duplicates, 3);
});

test('rejected tuples beyond the bound of a second are counted, so that lines and counts sum up', (t) => {
  const { journal, clock, lines } = open(t);
  journal.rejected(blockOf(2048), 2048);
  clock.advance(1000);
  journal.rejected(blockOf(1), 1);
  const said = lines();
  const named = said.filter((line) => line.startsWith('duplicate rejected '));
  t.is(named.length, DUPLICATE_LINES + 1);
  t.regex(
    said[DUPLICATE_LINES],
    new RegExp(`^duplicates rejected: ${2048 - DUPLICATE_LINES} more`),
  );
});

test('outputs are sampled, or all of them are written, or none', (t) => {
  const sampled = open(t);
  for (let i = 0; i < 20; i++) {
    sampled.journal.emitted([{ port: 0, count: 2, bytes: blockOf(2) }], 'partition');
  }
  t.deepEqual(sampled.lines(), new Array(SAMPLE_LINES).fill('output "k": "v"'));
  const all = open(t, 'all');
  const lines = Buffer.from('a: 1\nb: 2\n');
  all.journal.emitted([{ port: 0, count: 2, bytes: lines }], 'lines');
  all.journal.emitted([{ port: 0, count: 2, bytes: blockOf(2) }], 'partition');
  t.deepEqual(all.lines(), [
    'output "a: 1"',
    'output "b: 2"',
    'output "k": "v"',
    'output "k": "v"',
  ]);
  const none = open(t, 'none');
  none.journal.emitted([{ port: 0, count: 2, bytes: lines }], 'lines');
  t.throws(() => none.lines(), { code: 'ENOENT' });
});
