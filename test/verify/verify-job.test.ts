import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { present } from '../../src/core/index.ts';
import type { FileEntry, FileSystem } from '../../src/hydfs/index.ts';
import { decodeRecord, encodeRecord, type WalRecord } from '../../src/kernels/index.ts';
import { type CheckId, type Verdict, verifyJob } from '../../src/verify/index.ts';
import { decodeCbor, encodeCbor } from '../../src/wire/index.ts';
import type { RecordState, SinkMeta, SourceState } from '../../src/worker/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import {
  type OpenedJob,
  openJob,
  runJob,
  type SmallJob,
  toTheEnd,
  untilProcessed,
} from './helpers/small-job.ts';
import { type Tamper, TamperedFiles } from './helpers/tampered-files.ts';

const words = ['guide', 'parking', 'warning', 'stop', 'yield'];
const lines = Array.from({ length: 6000 }, (_, i) => {
  return `${words[i % words.length]},${i},${'x'.repeat(60)}`;
});

/** A last stage with state, which keeps a log of its own; two attempts of each task. */
const countYaml = `
name: count
sources: [{ file: in.txt, rate: 6000, follow: true }]
stages:
  - { name: pick, type: filter, run: filter.py, args: [guide], tasks: 2 }
  - { name: count, type: aggregate, run: count_by_column.py, args: ['0'], tasks: 2 }
sink: { file: out.txt, format: kv }
exactlyOnce: true
`;

/** A last stage without state, whose appends are its commits; fan-out and dead letters. */
const fanYaml = `
name: fan
sources: [{ file: in.txt }]
stages:
  - { name: fan, type: transform, run: fan.py, tasks: 2 }
  - { name: same, type: transform, run: identity.py, tasks: 2 }
sink: { file: 'hydfs:out.txt', format: kv }
exactlyOnce: true
`;

const fan = `
import sys
key = ''
for line in sys.stdin:
    if line.startswith('key: '):
        key = line[5:].rstrip('\\n')
        continue
    value = line[7:].rstrip('\\n')
    number = int(key.split(':')[1])
    if number in (7, 1234):
        raise SystemExit('no number like this')
    if number % 3 == 0:
        print('filter')
    else:
        if number % 3 == 1:
            print('emit\\nkey: %s\\nvalue: first' % key)
        print('forward\\nkey: %s\\nvalue: %s' % (key, value))
`;

const count: { job: SmallJob; opened: OpenedJob | null } = {
  job: { dir: '', yaml: '', lines },
  opened: null,
};
const fanned: { job: SmallJob; opened: OpenedJob | null } = {
  job: { dir: '', yaml: '', lines },
  opened: null,
};

test.before('run both jobs', async (t) => {
  t.timeout(90_000);
  const suspended: Verdict[] = [];
  count.job = { dir: ownDir(), yaml: countYaml, lines };
  await runJob(count.job, async (node, id) => {
    await untilProcessed(node, id, lines.length);
    suspended.push(await node.service.verify(id));
    await node.service.suspend(id);
    suspended.push(await node.service.verify(id));
  });
  t.deepEqual(
    suspended.map(({ state, proved, complete }) => [state, proved, complete]),
    [
      ['running', true, false],
      ['suspended', true, false],
    ],
    suspended.map(({ summary }) => summary).join('; '),
  );
  appendFileSync(join(count.job.dir, 'in.txt'), lines.slice(0, 1000).join('\n'));
  await runJob({ ...count.job, lines: null }, async (node, id) => {
    await untilProcessed(node, id, lines.length + 999);
    await node.service.stop(id, 'end');
    await toTheEnd(node, id);
  });
  count.opened = await openJob(count.job);
  fanned.job = { dir: ownDir(), yaml: fanYaml, lines, scripts: { 'fan.py': fan } };
  await runJob(fanned.job);
  fanned.opened = await openJob(fanned.job);
});

test.after.always('close both jobs', async () => {
  for (const { job, opened } of [count, fanned]) {
    await opened?.close();
    if (job.dir !== '') rmSync(job.dir, { recursive: true, force: true });
  }
});

test('a job that was interrupted and resumed is proved in every check', async (t) => {
  const verdict = await verify(count, (_name, entries) => entries);
  t.true(verdict.proved, verdict.summary);
  t.true(verdict.complete);
  t.deepEqual(outcomes(verdict, 'proved').length, verdict.checks.length);
  const examined = Object.fromEntries(verdict.checks.map((check) => [check.id, check.examined]));
  t.is(examined.counts['source lines'], lines.length + 999, 'the last line was not finished');
  t.true(examined.epochs.openings > 5, 'later attempts opened their logs again');
  t.true(examined.sink['logged outputs compared'] > 3);
  t.deepEqual(JSON.parse(JSON.stringify(verdict)), verdict);
});

test('a job with fan-out and dead letters whose appends are its commits is proved', async (t) => {
  const verdict = await verify(fanned, (_name, entries) => entries);
  t.true(verdict.proved, verdict.summary);
  t.deepEqual(outcomes(verdict, 'skipped'), ['copy']);
  const letters = verdict.checks.find(({ id }) => id === 'letters');
  t.is(letters?.examined.recorded, 2);
});

const planted: readonly {
  readonly what: string;
  readonly refutes: CheckId;
  readonly of: typeof count;
  readonly tamper: (job: OpenedJob) => Tamper;
}[] = [
  {
    what: 'a record that is gone from a task log',
    refutes: 'intact',
    of: count,
    tamper: () => inFile(/wal\/1-0$/, (entries) => without(entries, middle(entries))),
  },
  {
    what: 'a record of a source log that is gone',
    refutes: 'intact',
    of: count,
    tamper: () => inFile(/wal\/0-0$/, (entries) => without(entries, entries.findIndex(isAppend))),
  },
  {
    what: 'a record whose bytes changed',
    refutes: 'intact',
    of: count,
    tamper: () => inFile(/wal\/1-1$/, (entries) => change(entries, middle(entries), flipped)),
  },
  {
    what: 'an epoch that falls',
    refutes: 'epochs',
    of: count,
    tamper: () =>
      inFile(/wal\/2-0$/, (entries) => {
        const last = entries.findLastIndex(({ kind }) => kind === 'open');
        return entries.map((entry, i) => (i >= last ? { ...entry, epoch: 1 } : entry));
      }),
  },
  {
    what: 'an append under an epoch that was not opened',
    refutes: 'epochs',
    of: count,
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        change(entries, middle(entries), (e) => ({ ...e, epoch: e.epoch + 1 })),
      ),
  },
  {
    what: 'an append of a fenced attempt to the destination',
    refutes: 'epochs',
    of: count,
    tamper: ({ record }) =>
      inFile(/output$/, (entries) => {
        const writer = `${record.job}/2-0`;
        const last = entries.findLastIndex((entry) => isAppend(entry) && entry.writer === writer);
        return change(entries, last, (entry) => ({ ...entry, epoch: entry.epoch - 1 }));
      }),
  },
  {
    what: 'an epoch that the leader never gave out',
    refutes: 'epochs',
    of: fanned,
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) => entries.map((entry) => ({ ...entry, epoch: 9 }))),
  },
  {
    what: 'a range of inputs that is consumed again',
    refutes: 'inputs',
    of: count,
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        changeRecord(entries, middle(entries), (record) => ({
          ...record,
          inputs: record.inputs.map((input) => ({ ...input, seq: Math.max(1, input.seq - 900) })),
        })),
      ),
  },
  {
    what: 'a record that is there twice',
    refutes: 'inputs',
    of: count,
    tamper: () => inFile(/wal\/1-0$/, (entries) => repeated(entries, middle(entries))),
  },
  {
    what: 'an input that was consumed and not processed',
    refutes: 'inputs',
    of: fanned,
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        recount(entries, middle(entries), (counts) => ({
          ...counts,
          in: counts.in - 1,
          filtered: counts.filtered - 1,
        })),
      ),
  },
  {
    what: 'a source that went back',
    refutes: 'inputs',
    of: count,
    tamper: () =>
      inFile(/wal\/0-0$/, (entries) => {
        const last = present(entries.findLast(isAppend), 'a position');
        const [first] = entries.filter(isAppend);
        return [...entries, { ...first, epoch: last.epoch, seq: last.seq + 1 }];
      }),
  },
  {
    what: 'an output that takes a number twice',
    refutes: 'outputs',
    of: count,
    tamper: () =>
      inFile(/wal\/1-1$/, (entries) =>
        changeRecord(entries, middle(entries), (record) => ({
          ...record,
          outputs: record.outputs.map((output) => ({ ...output, firstSeq: output.firstSeq - 1 })),
        })),
      ),
  },
  {
    what: 'a consumer that was sent more than was placed',
    refutes: 'outputs',
    of: count,
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        lastOutputs(entries, (output) => ({ ...output, firstSeq: output.firstSeq - 3 })),
      ),
  },
  {
    what: 'an acknowledgement of what was never placed',
    refutes: 'outputs',
    of: count,
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        restate(entries, middle(entries), (state) => ({
          ...state,
          acked: state.acked.map((n) => n + 1e6),
        })),
      ),
  },
  {
    what: 'an append to the destination that is there twice',
    refutes: 'sink',
    of: count,
    tamper: () => inFile(/output$/, (entries) => repeated(entries, middle(entries))),
  },
  {
    what: 'an append that was sent again under a new number',
    refutes: 'sink',
    of: count,
    tamper: ({ record }) =>
      inFile(/output$/, (entries) => {
        const writer = `${record.job}/2-1`;
        const last = present(
          entries.findLast((entry) => entry.writer === writer),
          'an append',
        );
        return [...entries, { ...last, seq: last.seq + 1 }];
      }),
  },
  {
    what: 'an append to the destination that is gone',
    refutes: 'sink',
    of: count,
    tamper: () => inFile(/output$/, (entries) => without(entries, middle(entries))),
  },
  {
    what: 'a byte of the output that changed',
    refutes: 'sink',
    of: count,
    tamper: () => inFile(/output$/, (entries) => change(entries, middle(entries), flipped)),
  },
  {
    what: 'lines in the destination that nobody committed',
    refutes: 'sink',
    of: count,
    tamper: () =>
      inFile(/output$/, (entries) => {
        const last = present(entries.at(-1), 'an entry');
        return [...entries, { ...last, writer: '', epoch: 0, seq: 0 }];
      }),
  },
  {
    what: 'a line that is missing in an append that is its own commit',
    refutes: 'sink',
    of: fanned,
    tamper: () =>
      inFile(/^out\.txt$/, (entries) =>
        change(entries, middle(entries), (entry) => {
          return { ...entry, data: entry.data.subarray(entry.data.indexOf(10) + 1) };
        }),
      ),
  },
  {
    what: 'an append with its own commit that took effect twice',
    refutes: 'sink',
    of: fanned,
    tamper: () => inFile(/^out\.txt$/, (entries) => repeated(entries, middle(entries))),
  },
  {
    what: 'a watermark in the destination that falls',
    refutes: 'inputs',
    of: fanned,
    tamper: ({ record }) =>
      inFile(/^out\.txt$/, (entries) => {
        const mine = entries.filter(
          (entry) => isAppend(entry) && entry.writer === `${record.job}/2-0`,
        );
        return remeta(entries, entries.indexOf(mine[1]), (meta) => ({
          ...meta,
          watermarks: meta.watermarks.map(() => 0),
        }));
      }),
  },
  {
    what: 'a filtered tuple that was not counted',
    refutes: 'counts',
    of: count,
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        recount(entries, middle(entries), (counts) => ({
          ...counts,
          filtered: counts.filtered - 1,
        })),
      ),
  },
  {
    what: 'a source position that sent another number of tuples than it read lines',
    refutes: 'counts',
    of: count,
    tamper: () =>
      inFile(/wal\/0-0$/, (entries) => {
        const last = entries.findLastIndex(isAppend);
        return changeRecord(entries, last, (record) => {
          const state = record.state as SourceState;
          const position = { ...state.position, line: state.position.line + 1 };
          return { ...record, state: { ...state, position } };
        });
      }),
  },
  {
    what: 'a dead letter that is gone',
    refutes: 'letters',
    of: fanned,
    tamper: () =>
      inFile(/dead-letters$/, (entries) => without(entries, entries.findIndex(isAppend))),
  },
  {
    what: 'a dead letter that is there twice',
    refutes: 'letters',
    of: fanned,
    tamper: () =>
      inFile(/dead-letters$/, (entries) => repeated(entries, entries.findIndex(isAppend))),
  },
  {
    what: 'a dead letter that says something else',
    refutes: 'letters',
    of: fanned,
    tamper: () =>
      inFile(/dead-letters$/, (entries) =>
        change(entries, entries.findIndex(isAppend), (entry) => {
          const text = Buffer.from(entry.data).toString().replace('no number', 'some number');
          return { ...entry, data: Buffer.from(text) };
        }),
      ),
  },
];

for (const { what, refutes, of, tamper } of planted) {
  test(`${what} refutes ${refutes} and nothing else`, async (t) => {
    let touched = false;
    const { opened } = of;
    const change_ = tamper(present(opened, 'a job that ran'));
    const verdict = await verify(of, (name, entries) => {
      const changed = change_(name, entries);
      touched ||= changed !== entries;
      return changed;
    });
    t.true(touched, 'something was changed');
    onlyRefuted(t, verdict, refutes);
  });
}

test.serial(
  'a local file that was cut, changed, extended or removed refutes copy and nothing else',
  async (t) => {
    const path = join(count.job.dir, 'out.txt');
    const whole = readFileSync(path);
    const damages: (() => void)[] = [
      () => truncateSync(path, whole.length - 1),
      () => appendFileSync(path, 'guide: 1\n'),
      () => writeFileSync(path, Buffer.from(whole).fill('?', 100, 101)),
      () => rmSync(path),
    ];
    for (const damage of damages) {
      damage();
      onlyRefuted(t, await verify(count, (_name, entries) => entries), 'copy');
      writeFileSync(path, whole);
    }
  },
);

test('a job in the middle may have a local file that is a beginning, and consumers that are behind', async (t) => {
  const { record } = present(count.opened, 'a job that ran');
  const unfinished = new Map(
    [...record.tasks].map(([key, task]) => [key, { ...task, done: null }]),
  );
  const verdict = await verifyJob({
    record: { ...record, state: 'suspended', tasks: unfinished },
    fs: new TamperedFiles(present(count.opened, 'a job').fs, (name, entries) =>
      name.endsWith('/wal/2-0') ? entries.slice(0, 1) : entries,
    ),
  });
  t.deepEqual(
    outcomes(verdict, 'refuted'),
    ['outputs', 'sink'],
    'it had acknowledged more than that',
  );
});

test('of an at-least-once job only what it promises is looked at', async (t) => {
  const yaml = countYaml
    .replace('exactlyOnce: true', 'exactlyOnce: false')
    .replace(', rate: 6000, follow: true', '');
  const job = { dir: tmpDir(t), yaml, lines: lines.slice(0, 500) };
  await runJob(job);
  const opened = await openJob(job);
  const verdict = await verifyJob(opened);
  await opened.close();
  t.true(verdict.proved, verdict.summary);
  t.deepEqual(outcomes(verdict, 'skipped'), ['inputs', 'outputs', 'letters']);
  t.regex(verdict.summary, /at-least-once/);
});

test('a failed job that wrote nothing proves nothing and refutes nothing', async (t) => {
  const yaml = fanYaml.replace('fan.py', 'broken.py');
  const job = {
    dir: tmpDir(t),
    yaml,
    lines: ['one'],
    scripts: { 'broken.py': 'raise SystemExit(3)' },
  };
  await runJob(job);
  const opened = await openJob(job);
  t.is(opened.record.state, 'failed');
  const verdict = await verifyJob(opened);
  await opened.close();
  t.deepEqual(outcomes(verdict, 'refuted'), []);
});

function ownDir(): string {
  return mkdtempSync(join(tmpdir(), 'rainstorm-t-'));
}

function onlyRefuted(t: ExecutionContext, verdict: Verdict, id: CheckId): void {
  t.deepEqual(outcomes(verdict, 'refuted'), [id], verdict.summary);
  t.false(verdict.proved);
  const check = verdict.checks.find((each) => each.id === id);
  t.true((check?.violations ?? 0) > 0);
  t.truthy(check?.counterExample);
  t.log(check?.counterExample);
}

function outcomes(verdict: Verdict, outcome: string): CheckId[] {
  return verdict.checks.filter((check) => check.outcome === outcome).map(({ id }) => id);
}

function verify({ opened }: typeof count, tamper: Tamper): Promise<Verdict> {
  const { record, fs } = present(opened, 'a job that ran');
  const files: FileSystem = new TamperedFiles(fs, tamper);
  return verifyJob({ record, fs: files });
}

function inFile(name: RegExp, tamper: (entries: FileEntry[]) => FileEntry[]): Tamper {
  return (file, entries) => (name.test(file) ? tamper(entries) : entries);
}

function isAppend({ kind, data }: FileEntry): boolean {
  return kind === 'append' && data.length > 0;
}

/** An append somewhere in the middle, of a batch that consumed something. */
function middle(entries: readonly FileEntry[]): number {
  const appends = entries.flatMap((entry, i) => (isAppend(entry) ? [i] : []));
  const usable = appends
    .slice(1, -2)
    .filter((i) => entries[i].data.length > 40 && !isPlainEnd(entries[i]));
  return present(usable.at(Math.floor(usable.length / 2)), 'an append in the middle');
}

/** A record of a task log that consumed no tuple. */
function isPlainEnd({ writer, data }: FileEntry): boolean {
  return writer === 'task' && decodeRecord(data).outputs.length === 0;
}

function without(entries: readonly FileEntry[], at: number): FileEntry[] {
  return entries.filter((_, i) => i !== at);
}

function repeated(entries: readonly FileEntry[], at: number): FileEntry[] {
  return entries.flatMap((entry, i) => (i === at ? [entry, entry] : [entry]));
}

function change(
  entries: readonly FileEntry[],
  at: number,
  how: (entry: FileEntry) => FileEntry,
): FileEntry[] {
  return entries.map((entry, i) => (i === at ? how(entry) : entry));
}

function flipped(entry: FileEntry): FileEntry {
  const data = Buffer.from(entry.data);
  data[data.length >> 1] ^= 1;
  return { ...entry, data };
}

function changeRecord(
  entries: readonly FileEntry[],
  at: number,
  how: (record: WalRecord) => WalRecord,
): FileEntry[] {
  return change(entries, at, (entry) => {
    return { ...entry, data: Buffer.concat(encodeRecord(how(decodeRecord(entry.data)))) };
  });
}

function restate(
  entries: readonly FileEntry[],
  at: number,
  how: (state: RecordState) => RecordState,
): FileEntry[] {
  return changeRecord(entries, at, (record) => ({
    ...record,
    state: how(record.state as RecordState),
  }));
}

function recount(
  entries: readonly FileEntry[],
  at: number,
  how: (counts: RecordState['counts']) => RecordState['counts'],
): FileEntry[] {
  return restate(entries, at, (state) => ({ ...state, counts: how(state.counts) }));
}

function lastOutputs(
  entries: readonly FileEntry[],
  how: (output: WalRecord['outputs'][number]) => WalRecord['outputs'][number],
): FileEntry[] {
  const last = entries.findLastIndex(
    (entry) => isAppend(entry) && decodeRecord(entry.data).outputs.length > 0,
  );
  return changeRecord(entries, last, (record) => ({ ...record, outputs: record.outputs.map(how) }));
}

function remeta(
  entries: readonly FileEntry[],
  at: number,
  how: (meta: SinkMeta) => SinkMeta,
): FileEntry[] {
  return change(entries, at, (entry) => {
    return { ...entry, meta: encodeCbor(how(decodeCbor(entry.meta) as SinkMeta)) };
  });
}
