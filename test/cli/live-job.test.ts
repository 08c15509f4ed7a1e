import { appendFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { until } from '../helpers/poll.ts';
import { rainstorm, startRainstorm } from '../helpers/processes.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { command, linesOf, writeFollowJob } from './helpers.ts';

const LINES = 300;

/** The job has written every line that there was. */
async function untilCopied(cwd: string, lines: number): Promise<void> {
  const out = join(cwd, 'out.txt');
  const count = (): number => readFileSync(out, 'utf8').split('\n').length - 1;
  await until(() => statSync(out, { throwIfNoEntry: false }) !== undefined && count() === lines, {
    what: `${lines} lines of output`,
    deadlineMs: 60_000,
  });
}

function sortedLines(cwd: string): string[] {
  return readFileSync(join(cwd, 'out.txt'), 'utf8').split('\n').filter(Boolean).sort();
}

test.serial(
  'a job at work in another process is listed, verified, read from and stopped',
  async (t) => {
    const cwd = tmpDir(t);
    writeFollowJob(cwd, LINES);
    const running = startRainstorm(t, ['run', 'job.yaml'], { cwd });
    const ask = (...args: string[]) => command(cwd, args);
    await untilCopied(cwd, LINES);

    const jobs = JSON.parse((await ask('jobs', '--json')).stdout);
    t.like(jobs[0], { name: 'copy', state: 'running', reason: null });
    // What was written is counted in the next report, a moment later.
    const tasks = await until(
      async () => {
        const listed = JSON.parse((await ask('tasks', '--json')).stdout);
        return listed[1]?.counts.in + listed[2]?.counts.in === LINES ? listed : null;
      },
      { what: 'the counts of all lines' },
    );
    t.deepEqual(
      tasks.map(({ name, state, epoch }: Record<string, unknown>) => [name, state, epoch]),
      [
        ['copy/source[0]', 'running', 1],
        ['copy/say[0]', 'running', 1],
        ['copy/say[1]', 'running', 1],
      ],
    );
    t.regex(tasks[1].operator, /say\.py/);
    t.true(tasks[1].pids.length === 1 && tasks[1].pids[0] > 0);
    t.true(statSync(tasks[1].logFile).size > 0);
    const table = (await ask('tasks', 'copy')).stdout;
    t.regex(table, /^VM +PID +TASK +STATE +EPOCH +IN +OUT +RATE +OPERATOR +LOG FILE\n/);

    const verdict = await ask('verify', 'copy');
    t.is(verdict.code, 0, verdict.stdout);
    t.regex(verdict.stdout, /PROVED: job copy \(\w{8}, running\): .*as far as the job has come/);
    t.regex(
      (await ask('logs', 'copy', 'say', '--grep', 'in\\.txt:29$')).stdout,
      /^seen in\.txt:29\n$/,
    );

    appendFileSync(join(cwd, 'in.txt'), linesOf(LINES, LINES + 20));
    await untilCopied(cwd, LINES + 20);
    const stopped = await ask('stop', 'copy');
    t.is(stopped.code, 0, stopped.stderr);
    t.regex(stopped.stdout, /^job copy \(\w{8}\) is stopped: 320 tuples in, 320 out\n$/);
    const ended = await running.ended;
    t.is(ended.code, 0, ended.stderr);
    t.deepEqual(
      sortedLines(cwd),
      linesOf(0, LINES + 20)
        .split('\n')
        .filter(Boolean)
        .sort(),
    );
    const proof = await ask('verify', 'copy', '--json');
    t.is(proof.code, 0);
    t.like(JSON.parse(proof.stdout), { proved: true, complete: true, state: 'stopped' });
  },
);

test.serial(
  'looking at what a crash left starts nothing, and stopping it finishes what was read',
  async (t) => {
    const cwd = tmpDir(t);
    writeFollowJob(cwd, LINES);
    const running = startRainstorm(t, ['run', 'job.yaml'], { cwd });
    await untilCopied(cwd, LINES);
    await running.kill('SIGKILL');
    const ask = (...args: string[]) => command(cwd, args);

    const [job] = JSON.parse((await ask('jobs', '--json')).stdout);
    t.like(job, { name: 'copy', state: 'suspended' });
    const size = controlBytes(cwd);
    for (const words of [
      ['jobs'],
      ['tasks'],
      ['tasks', 'copy'],
      ['fs', 'ls'],
      ['verify', 'copy'],
      ['logs', 'copy'],
    ]) {
      const { code, stderr } = await ask(...words);
      t.is(code, 0, stderr);
    }
    t.true(controlBytes(cwd) - size <= 6 * 120, 'each look leaves no more than its term');
    t.is(
      JSON.parse((await ask('tasks', 'copy', '--json')).stdout)[1].epoch,
      1,
      'no attempt was started',
    );

    const stopped = await ask('stop', job.job.slice(0, 8));
    t.is(stopped.code, 0, stopped.stdout + stopped.stderr);
    t.regex(stopped.stdout, /is stopped: 300 tuples in, 300 out/);
    t.deepEqual(sortedLines(cwd), linesOf(0, LINES).split('\n').filter(Boolean).sort());
    const proof = await ask('verify', 'copy');
    t.is(proof.code, 0, proof.stdout);
    const again = await ask('stop', 'copy', '--now');
    t.is(again.code, 2);
    t.regex(again.stderr, /^rainstorm: job \w+ is stopped and cannot be stopped; .*\n$/);
  },
);

test.serial('an output that was changed is refuted with exit code 1 and named', async (t) => {
  const cwd = tmpDir(t);
  writeFollowJob(cwd, 20);
  const running = startRainstorm(t, ['run', 'job.yaml'], { cwd });
  await untilCopied(cwd, 20);
  const stopped = await command(cwd, ['stop', 'copy', '--now', '--json']);
  t.is(stopped.code, 0, stopped.stderr);
  t.is(JSON.parse(stopped.stdout).state, 'cancelled');
  await running.ended;
  appendFileSync(join(cwd, 'out.txt'), 'one more\n');
  const refuted = await rainstorm(t, ['verify', 'copy'], { cwd });
  t.is(refuted.code, 1);
  t.regex(refuted.stdout, /copy +refuted/);
  t.regex(
    refuted.stdout,
    /REFUTED: job copy .*out\.txt has \d+ bytes, more than the \d+ of the file in HyDFS\n$/,
  );
});

function controlBytes(cwd: string): number {
  const dir = join(cwd, '.rainstorm', 'control');
  return readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
}
