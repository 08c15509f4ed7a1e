/** Ctrl-C in front of a job of a cluster, typed at a real terminal, and signals where there is none. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { silentLog } from '../../src/core/index.ts';
import type { JobView } from '../../src/leader/index.ts';
import { ClusterNode } from '../../src/node/index.ts';
import { startAtTerminal, startRainstorm } from '../helpers/processes.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

const CTRL_C = '\x03';
const CTRL_D = '\x04';
const QUESTION = /\[d\]etach and let the job go on, \[s\]top it, or Enter to go on watching\?/;

interface Place {
  readonly cwd: string;
  readonly node: ClusterNode;
  /** where commands find the node */
  readonly env: Readonly<Record<string, string>>;
  state(job: string): Promise<JobView['state']>;
}

async function place(t: ExecutionContext): Promise<Place> {
  const cwd = tmpDir(t);
  const node = await ClusterNode.open({
    data: join(cwd, 'data'),
    bind: '127.0.0.1',
    port: 0,
    join: [],
    keyFile: null,
    voters: 1,
    dropRate: 0,
    console: silentLog,
  });
  t.teardown(() => node.close());
  await node.service.create('in.txt');
  await node.service.append('in.txt', Buffer.from('one\ntwo\n'));
  const env = { RAINSTORM_CLUSTER: node.address, TERM: 'xterm', LANG: 'C.UTF-8', NO_COLOR: '1' };
  return { cwd, node, env, state: async (job) => (await node.service.job(job)).state };
}

/** The job file of a job that waits for more lines until it is stopped. */
function following(cwd: string, name: string): string {
  const text = `name: ${name}
sources: [{ file: in.txt, follow: true }]
stages: [{ name: same, type: transform, run: identity, tasks: 1 }]
sink: { file: ${name}.txt, format: value }
`;
  mkdirSync(join(cwd, name));
  const path = join(cwd, name, 'job.yaml');
  writeFileSync(path, text);
  return path;
}

test('Ctrl-C asks, Enter and Ctrl-D go on watching, a second Ctrl-C leaves the job at work', async (t) => {
  const { cwd, env, state } = await place(t);
  const run = startAtTerminal(t, ['run', following(cwd, 'left')], { cwd, env });
  await run.sees(/ 2 tuples /);
  let drawn = '';
  for (const answer of ['\r', CTRL_D]) {
    drawn = run.stdout();
    run.type(CTRL_C);
    await run.sees(after(drawn, QUESTION));
    drawn = run.stdout();
    run.type(answer);
    await run.sees(after(drawn, / 2 tuples /));
  }
  drawn = run.stdout();
  run.type(CTRL_C);
  await run.sees(after(drawn, QUESTION));
  run.type(CTRL_C);
  const { code, stdout } = await run.ended;
  t.is(code, 0, stdout);
  t.regex(
    stdout,
    /job left goes on without you; `rainstorm attach left --cluster [\d.:]+` follows it again/,
  );
  t.is(await state('left'), 'running');
});

test('at the question `d` leaves the job, `s` stops it and shows how it ended', async (t) => {
  const { cwd, env, state } = await place(t);
  const run = startAtTerminal(t, ['run', following(cwd, 'asked')], { cwd, env });
  await run.sees(/ 2 tuples /);
  run.type(CTRL_C);
  await run.sees(QUESTION);
  run.type('d\r');
  t.is((await run.ended).code, 0);
  t.is(await state('asked'), 'running');

  const attached = startAtTerminal(t, ['attach', 'asked'], { cwd, env });
  await attached.sees(/ 2 tuples /);
  attached.type(CTRL_C);
  await attached.sees(QUESTION);
  attached.type('s\r');
  const { code, stdout } = await attached.ended;
  t.is(code, 0, stdout);
  t.regex(stdout, /stopping: what has been read is being finished/);
  t.regex(stdout, /asked.* was stopped/);
  t.is(await state('asked'), 'stopped');
});

test('a job that ends while the question is there ends the question', async (t) => {
  const { cwd, env, node } = await place(t);
  const run = startAtTerminal(t, ['run', following(cwd, 'over')], { cwd, env });
  await run.sees(/ 2 tuples /);
  run.type(CTRL_C);
  await run.sees(QUESTION);
  await node.service.stop('over', 'end');
  const { code, stdout } = await run.ended;
  t.is(code, 0, stdout);
  t.regex(stdout, /watching\? .*\r?\n.*over {2}stopped/);
  t.regex(stdout, /over.* was stopped/);
});

test('without a terminal Ctrl-C and SIGTERM leave the job at work and ask nobody', async (t) => {
  const { cwd, env, state } = await place(t);
  for (const [name, signal] of [
    ['interrupted', 'SIGINT'],
    ['terminated', 'SIGTERM'],
  ] as const) {
    const run = startRainstorm(t, ['run', following(cwd, name)], { cwd, env });
    await run.untilStderr(/ 2 tuples|2 in/);
    const { code, stderr } = await run.kill(signal);
    t.is(code, 0, stderr);
    t.notRegex(stderr, QUESTION);
    t.regex(stderr, new RegExp(`job ${name} goes on without you`));
    t.is(await state(name), 'running');
  }
});

/** Matches `pattern` behind what was drawn before. */
function after(drawn: string, pattern: RegExp): RegExp {
  return new RegExp(`^[^]{${drawn.length},}?${pattern.source}`);
}
