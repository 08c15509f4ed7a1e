/** Jobs that run in a cluster and are submitted, followed and left from a command line. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { silentLog } from '../../src/core/index.ts';
import { ClusterNode } from '../../src/node/index.ts';
import { until } from '../helpers/poll.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { writeWheel } from '../helpers/wheel.ts';
import { command, shell } from './helpers.ts';

type Ended = Awaited<ReturnType<typeof command>>;

interface Place {
  readonly cwd: string;
  readonly node: ClusterNode;
  /** runs a command that asks the node */
  ask(...words: string[]): Promise<Ended>;
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
  const env = { RAINSTORM_CLUSTER: node.address };
  return { cwd, node, ask: (...words) => command(cwd, words, { env }) };
}

const shout = `import sys
from helpers.words import loud
for line in sys.stdin:
    if line.startswith('key: '):
        print('forward\\n' + line.rstrip())
    else:
        print('value: ' + loud(line[7:].rstrip()))
`;

/** A script with a module beside it, which is listed, and one that is not. */
function writeScript(cwd: string, ending = '!'): void {
  mkdirSync(join(cwd, 'helpers'), { recursive: true });
  writeFileSync(join(cwd, 'shout.py'), shout);
  writeFileSync(join(cwd, 'unlisted.txt'), 'not brought along');
  const text = `def loud(text):\n    return text.upper() + '${ending}'\n`;
  writeFileSync(join(cwd, 'helpers', 'words.py'), text);
}

function writeJob(cwd: string, files = '[helpers]', more = '', rest = ''): void {
  const text = `name: loud
sources: [{ file: in.txt${more} }]
stages: [{ name: shout, type: transform, run: shout.py, tasks: 2, files: ${files} }]
sink: { file: out.txt, format: value }
${rest}`;
  writeFileSync(join(cwd, 'job.yaml'), text);
}

async function store(node: ClusterNode, text: string): Promise<void> {
  await node.service.create('in.txt');
  await node.service.append('in.txt', Buffer.from(text));
}

test('a script and what is beside it travel with the job, and --print streams what comes out', async (t) => {
  const { cwd, node, ask } = await place(t);
  writeScript(cwd);
  writeJob(cwd);
  await store(node, 'one\ntwo\nthree\n');
  const ran = await ask('run', 'job.yaml', '--print');
  t.is(ran.code, 0, ran.stderr);
  t.deepEqual(ran.stdout.trimEnd().split('\n').sort(), ['ONE!', 'THREE!', 'TWO!']);
  t.regex(ran.stderr, /job loud \(\w{8}\) starts\n/);
  t.regex(ran.stderr, /3 tuples in|in +3/);
  const [{ job }] = await node.service.jobs();
  const kept = (await node.service.list(`jobs/${job}/files/`)).map(({ length }) => length);
  t.is(kept.length, 2, 'the script and its module, nothing that is not listed');
});

test('the Python packages of a job are installed where its tasks run, from the files that it brings', async (t) => {
  const { cwd, node, ask } = await place(t);
  mkdirSync(join(cwd, 'wheels'));
  writeFileSync(join(cwd, 'shout.py'), shout.replace('helpers.words', 'loudly'));
  const source = 'def loud(text):\n    return text.upper() + "?"\n';
  const wheel = writeWheel(join(cwd, 'wheels'), 'loudly', source);
  writeFileSync(join(cwd, 'requirements.txt'), `./wheels/${wheel}\n`);
  writeJob(cwd, '[wheels]', '', 'requirements: requirements.txt\n');
  await store(node, 'one\n');
  const ran = await ask('run', 'job.yaml', '--print');
  t.is(ran.stdout, 'ONE?\n', ran.stderr);
  t.regex(
    ran.stderr,
    /^the Python packages of requirements\.txt are installed where they are not yet/,
  );
  writeFileSync(join(cwd, 'requirements.txt'), './wheels/missing-1.0-py3-none-any.whl\n');
  const refused = await ask('run', 'job.yaml', '--overwrite');
  t.is(refused.code, 1);
  t.regex(
    refused.stderr,
    /the Python packages of requirements\.txt could not be installed on 127\.0\.0\.1:\d+ \(.*missing-1\.0/,
  );
});

test('in the data directory of a node of a cluster, a job runs there; elsewhere it cannot be left', async (t) => {
  const { cwd, node } = await place(t);
  writeScript(cwd);
  writeJob(cwd);
  await store(node, 'one\n');
  const ran = await command(cwd, ['run', 'job.yaml', '--data', 'data', '--print']);
  t.is(ran.stdout, 'ONE!\n', ran.stderr);
  const again = await command(cwd, ['run', 'job.yaml', '--data', 'data', '--overwrite']);
  t.is(again.code, 0, again.stderr);
  t.is((await node.service.jobs()).length, 1);
  const alone = await command(cwd, ['run', 'job.yaml', '--data', 'other', '--detach']);
  t.is(alone.code, 2);
  t.regex(alone.stderr, /--detach is for jobs of a cluster/);
});

test('a source that is only here is named with the command that stores it, which works as it stands', async (t) => {
  const { cwd, node } = await place(t);
  const dir = join(cwd, "a folder's");
  mkdirSync(dir);
  writeScript(dir);
  writeJob(dir);
  writeFileSync(join(dir, 'in.txt'), 'one\n');
  const run = `rainstorm run job.yaml --cluster ${node.address}`;
  const { code, stderr } = await shell(t, dir, run);
  t.is(code, 2);
  t.deepEqual(await node.service.list(''), [], 'nothing was left behind');
  const [, typed] = stderr.match(/put it there with `(.*)` and run the same command again/) ?? [];
  t.regex(typed, /^rainstorm fs create in\.txt .* --cluster 127\.0\.0\.1:\d+$/, stderr);
  const ended = await shell(t, dir, `${typed} && ${run} --print 2>/dev/null`);
  t.regex(ended.stdout, /^ONE!$/m, ended.stderr);
});

test('what a job cannot bring or run is told, and a refused job leaves nothing in HyDFS', async (t) => {
  const { cwd, ask, node } = await place(t);
  writeScript(cwd);
  await store(node, 'one\n');
  const names = async () => (await node.service.list('')).map(({ name }) => name);
  for (const [files, says] of [
    ['[missing.txt]', /missing\.txt that stage shout lists under `files`/],
    ['[../elsewhere]', /outside the folder of the job file/],
  ] as const) {
    writeJob(cwd, files);
    const ran = await ask('run', 'job.yaml');
    t.is(ran.code, 2);
    t.regex(ran.stderr, says);
    t.deepEqual(await names(), ['in.txt']);
  }
  writeJob(cwd, '[helpers]');
  await node.service.create('out.txt');
  const taken = await ask('run', 'job.yaml');
  t.regex(taken.stderr, /out\.txt/);
  t.deepEqual(await names(), ['in.txt', 'out.txt']);
  const nobody = await ask('run', 'job.yaml', '--cluster', '127.0.0.1:1');
  t.is(nobody.code, 3);
});

test('a job is submitted and left, attached to, stopped; its files go with the next run', async (t) => {
  const { cwd, ask, node } = await place(t);
  writeScript(cwd);
  writeJob(cwd, '[helpers]', ', follow: true');
  await store(node, 'one\ntwo\n');
  const left = await ask('run', 'job.yaml', '--detach');
  t.is(left.code, 0, left.stderr);
  const id = left.stdout.trim();
  t.is((await node.service.job('loud')).job, id);
  const twice = await ask('run', 'job.yaml', '--detach');
  t.is(twice.stdout.trim(), id);
  t.regex(twice.stderr, /^job loud \(\w{8}\) is at work already\n$/);
  const attached = ask('attach', 'loud');
  for await (const view of node.service.watch(id)) {
    if (view.stages.at(-1)?.counts.out === 2) break;
  }
  const stopped = await ask('stop', 'loud');
  t.regex(stopped.stdout, /is stopped: 2 tuples in, 2 out/);
  const seen = await attached;
  t.is(seen.code, 0, seen.stderr);
  t.regex(seen.stderr, /ONE!/);

  writeJob(cwd);
  const again = await ask('run', 'job.yaml', '--overwrite');
  t.is(again.code, 0, again.stderr);
  t.deepEqual(await node.service.list(`jobs/${id}/`), []);
});

test('an operator is killed by vm and pid, nothing else is, and the logs tell it at any node', async (t) => {
  const { cwd, ask, node } = await place(t);
  writeScript(cwd);
  writeJob(cwd, '[helpers]', ', follow: true');
  await store(node, 'one\ntwo\n');
  await ask('run', 'job.yaml', '--detach');
  const { job } = await node.service.job('loud');
  for await (const view of node.service.watch(job)) {
    if (view.stages.at(-1)?.counts.out === 2) break;
  }
  const tasks = await node.service.tasks('loud');
  const [pid] = tasks[1].pids;
  const refused = await ask('kill-task', node.address, String(process.pid));
  t.is(refused.code, 2);
  t.regex(refused.stderr, /no task at 127\.0\.0\.1:\d+ has an operator with the process id/);
  t.is((await ask('kill-task', 'elsewhere', String(pid))).code, 2);
  const killed = await ask('kill-task', node.address, String(pid));
  t.regex(killed.stdout, /^killed \d+ at .*, an operator of loud\/shout\[0\]\n$/, killed.stderr);
  const more = Array.from({ length: 40 }, (_, i) => `line${i}\n`).join('');
  await node.service.append('in.txt', Buffer.from(`three\n${more}`));
  for await (const view of node.service.watch(job)) {
    if (view.stages.at(-1)?.counts.out === 43) break;
  }
  const restarted = /has a new operator process in place of/;
  await until(async () => restarted.test((await ask('logs', 'loud')).stdout), {
    what: 'the restart in the job log',
  });
  await ask('stop', 'loud');
  const { stdout } = await ask('logs', 'loud');
  t.regex(stdout, /job loud \(\w+\) was submitted\n.* starts\n/);
  t.regex(
    stdout,
    /loud\/shout\[0\] runs \(attempt 1, vm 127\.0\.0\.1:\d+, pid \d+, operator .*shout\.py/,
  );
  t.regex(stdout, /was stopped\n/);
  t.regex(stdout, /TASK +VM +SIZE +LOG FILE/);
  const said = (await ask('logs', 'loud', 'shout[0]')).stdout;
  t.regex(said, /start of loud\/shout\[0\], attempt 1, node 127\.0\.0\.1:\d+, pid \d+/);
  t.regex(said, new RegExp(`operator pid ${pid} ended`));
  const found = (await ask('logs', 'loud', '--grep', 'output "(ONE|TWO)!"')).stdout;
  t.regex(found, /^shout\[\d\]: .*output "(ONE|TWO)!"\n/);
});

test('a script that is repaired is the one that a failed job goes on with', async (t) => {
  const { cwd, ask, node } = await place(t);
  writeScript(cwd);
  writeFileSync(join(cwd, 'helpers', 'words.py'), 'raise ImportError("not yet")\n');
  writeJob(cwd);
  await store(node, 'one\n');
  const failed = await ask('run', 'job.yaml');
  t.is(failed.code, 1);
  t.regex(failed.stderr, /not yet/);
  writeScript(cwd, '?');
  const resumed = await ask('run', 'job.yaml', '--print');
  t.is(resumed.code, 0, resumed.stderr);
  t.regex(resumed.stderr, /job loud \(\w{8}\) is resumed/);
  t.is(resumed.stdout, 'ONE?\n');
  t.is((await node.service.jobs()).length, 1);
});

test('bytes that are not those that were submitted are never run, and are put right by the next submission', async (t) => {
  const { cwd, ask, node } = await place(t);
  writeScript(cwd);
  writeJob(cwd, '[helpers]', ', follow: true');
  await store(node, 'one\n');
  await ask('run', 'job.yaml', '--detach');
  const [{ job }] = await node.service.jobs();
  const [file] = await node.service.list(`jobs/${job}/files/`);
  await node.service.append(file.name, Buffer.from('#'));
  await node.close();
  const port = Number(node.address.split(':')[1]);
  const again = await ClusterNode.open({
    data: join(cwd, 'data'),
    bind: '127.0.0.1',
    port,
    join: [],
    keyFile: null,
    voters: 1,
    dropRate: 0,
    console: silentLog,
  });
  t.teardown(() => again.close());
  const followed = await ask('attach', job);
  t.is(followed.code, 1);
  t.regex(followed.stderr, /is damaged: .* bytes in place of/);
  const resumed = await ask('run', 'job.yaml', '--detach');
  t.is(resumed.code, 0, resumed.stderr);
  for await (const { state } of again.service.watch(job)) if (state === 'running') break;
  t.is((await again.service.stop(job, 'now')).reason, null);
});
