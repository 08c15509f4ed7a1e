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
import type { FileSystem } from '../../src/hydfs/index.ts';
import { type CheckId, type Verdict, verifyJob } from '../../src/verify/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { planted } from './helpers/planted.ts';
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

for (const { what, refutes, of, tamper } of planted) {
  test(`${what} refutes ${refutes} and nothing else`, async (t) => {
    let touched = false;
    const job = of === 'count' ? count : fanned;
    const change_ = tamper(present(job.opened, 'a job that ran'));
    const verdict = await verify(job, (name, entries) => {
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

test('of a log that was trimmed the rest is looked at, and the verdict says so', async (t) => {
  const verdict = await verify(count, (name, entries) => {
    return name.endsWith('/wal/1-0') ? entries.slice(20) : entries;
  });
  t.true(verdict.proved, verdict.summary);
  const notes = verdict.checks.flatMap((check) => check.notes).join('\n');
  t.regex(notes, /the first \d+ bytes of jobs\/\w+\/wal\/1-0 were trimmed/);
  t.regex(notes, /a checkpoint in the rest of .*1-0 says where it stood/);
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
