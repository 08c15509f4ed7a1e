/**
 * Checks `bin/rainstorm` as a user gets it: copied alone into an empty directory, with a PATH that has
 * python3 and a shell but no node.
 *
 *   node scripts/check-package.mjs
 *
 * 1. Nothing of this project is in reach of the program: only the sample and a job file beside it.
 * 2. Outputs are judged by a Python program that shares no code with rainstorm.
 * 3. Every run has a time limit, and nothing may be left running afterwards.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Complaint, root, withComplaints } from './lib/setup.mjs';
import { makeSigns } from './make-signs.mjs';

const RUN_MS = 120_000;
const END_MS = 5_000;
const LINES = 100_000;
/** Slow enough that the job is surely killed in its middle. */
const SLOW_RATE = 25_000;
/** So much is in the data directory when the job is killed. */
const KILL_AT_BYTES = 200_000;

/** A filter that travels with its job. */
const OWN_FILTER = `import sys
for line in sys.stdin:
    if line.startswith('key: '):
        key = line
    elif sys.argv[1] in line:
        sys.stdout.write('forward\\n' + key + line)
    else:
        print('filter')
`;

let place = '';

await withComplaints(async () => {
  place = realpathSync(mkdtempSync(join(tmpdir(), 'rainstorm-package-')));
  try {
    prepare();
    await check('it starts without node and knows its version', versionAnswers);
    await check('it runs the demo job, exactly', demoRuns);
    await check('killed in the middle and started again, it is exact', killedRunResumes);
    await check('three nodes of it are a cluster that runs a job and keeps files', clusterRuns);
    await check('it refuses mistakes in one sentence', mistakesAreRefused);
    await check('it leaves no process', nothingIsLeft);
    console.log('bin/rainstorm: all checks passed');
    return 0;
  } finally {
    for (const { pid } of processesHere()) kill(pid);
    rmSync(place, { recursive: true, force: true });
  }
});

async function check(claim, body) {
  const detail = await body();
  console.log(`ok     ${claim}${detail === undefined ? '' : `: ${detail}`}`);
}

function insist(condition, problem) {
  if (!condition)
    throw new Complaint(
      `bin/rainstorm: ${problem}; run scripts/check-package.mjs again after mending it`,
    );
}

/** The program, a PATH of its own, the sample and a job for each run. */
function prepare() {
  insist(
    existsSync(join(root, 'bin', 'rainstorm')),
    'the file is absent, make it with `npm run package`',
  );
  copyFileSync(join(root, 'bin', 'rainstorm'), join(place, 'rainstorm'));
  chmodSync(join(place, 'rainstorm'), 0o755);
  mkdirSync(join(place, 'path'));
  const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], {
    encoding: 'utf8',
  });
  symlinkSync(python.stdout.trim(), join(place, 'path', 'python3'));
  for (const tool of ['sh', 'env']) symlinkSync(`/usr/bin/${tool}`, join(place, 'path', tool));
  makeSigns({ lines: LINES, seed: 7, out: join(place, 'signs.csv') });
}

function versionAnswers() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const word of ['version', '--version']) {
    const ran = spawnSync(join(place, 'rainstorm'), [word], { env: {}, encoding: 'utf8' });
    insist(
      ran.stdout === `${version}\n`,
      `\`${word}\` printed ${JSON.stringify(ran.stdout + ran.stderr)}`,
    );
  }
  return version;
}

async function demoRuns() {
  const dir = jobFolder('demo', 0);
  const ended = await start(dir, ['run', 'signs.yaml']).ended;
  insist(ended.code === 0, `the demo job ended with ${outcome(ended)}`);
  return countsOf(dir);
}

async function killedRunResumes() {
  const dir = jobFolder('killed', SLOW_RATE);
  const first = start(dir, ['run', 'signs.yaml']);
  await waitFor(
    () => bytesUnder(join(dir, '.rainstorm')) > KILL_AT_BYTES,
    first,
    'its data to grow',
  );
  kill(first.pid);
  const killed = await first.ended;
  insist(
    killed.signal === 'SIGKILL',
    `the job ended before it could be killed: ${outcome(killed)}`,
  );
  await nothingIsLeft();
  const second = await start(dir, ['run', 'signs.yaml']).ended;
  insist(second.code === 0, `the second run ended with ${outcome(second)}`);
  insist(
    /resum/i.test(second.stderr),
    `the second run does not say that it resumes: ${second.stderr}`,
  );
  return countsOf(dir);
}

/** Nodes in empty directories; a job whose script is beside its file; commands at other nodes. */
async function clusterRuns() {
  const net = `127.${1 + (process.pid % 250)}.${1 + ((process.pid >> 8) % 250)}`;
  const addresses = [1, 2, 3].map((i) => `${net}.${i}:7070`);
  const nodes = [];
  for (const [i, address] of addresses.entries()) {
    const cwd = join(place, `node-${i}`);
    mkdirSync(cwd);
    const joins = i === 0 ? [] : ['--join', addresses[0]];
    const node = start(cwd, ['node', '--bind', address.split(':')[0], '--data', 'data', ...joins]);
    await waitFor(() => /listening on/.test(node.text.stderr), node, 'it to listen');
    nodes.push(node);
  }
  await waitForMembers(addresses);
  const dir = jobFolder('cluster', 0);
  writeFileSync(join(dir, 'own_filter.py'), OWN_FILTER);
  const job = readFileSync(join(dir, 'signs.yaml'), 'utf8');
  insist(/run: filter\.py/.test(job), 'the demo job has no filter.py');
  writeFileSync(
    join(dir, 'signs.yaml'),
    job.replace('run: filter.py', 'run: own_filter.py').replace('../signs.csv', 'signs.csv'),
  );
  await tells(dir, ['fs', 'create', 'signs.csv', '../signs.csv', '--cluster', addresses[1]]);
  const run = await tells(dir, ['run', 'signs.yaml', '--cluster', addresses[2]]);
  insist(/done/.test(run.stderr), `the summary of the job is missing: ${run.stderr}`);
  await tells(dir, ['fs', 'get', 'counts.txt', 'counts.txt', '--cluster', addresses[0]]);
  const verdict = await tells(dir, ['verify', 'signs', '--cluster', addresses[1]]);
  insist(/PROVED/.test(verdict.stdout), `verify says ${verdict.stdout}`);
  const places = await tells(dir, ['fs', 'ls', 'counts.txt', '--json', '--cluster', addresses[0]]);
  const copies = JSON.parse(places.stdout).replicas.length;
  insist(copies === addresses.length, `counts.txt has ${copies} replicas`);
  for (const node of nodes) {
    process.kill(node.pid, 'SIGTERM');
    const ended = await node.ended;
    insist(ended.code === 0, `a node that was asked to end ended with ${outcome(ended)}`);
  }
  await nothingIsLeft();
  return countsOf(dir);
}

/** Runs a command that must succeed; what it said. */
async function tells(cwd, args) {
  const ended = await start(cwd, args).ended;
  insist(ended.code === 0, `\`${args.join(' ')}\` ended with ${outcome(ended)}`);
  return ended;
}

/** Resolves when each node lists all of them as alive. */
async function waitForMembers(addresses) {
  const deadline = Date.now() + RUN_MS / 2;
  for (const address of addresses) {
    for (;;) {
      const { stdout } = await tells(place, ['members', '--json', '--cluster', address]);
      const alive = JSON.parse(stdout).filter(({ status }) => status === 'alive');
      if (alive.length === addresses.length) break;
      insist(Date.now() < deadline, `${address} does not see all nodes: ${stdout}`);
      await pause(100);
    }
  }
}

/** Each mistake, a word that the sentence must hold, and the exit code. */
async function mistakesAreRefused() {
  const dir = jobFolder('mistakes', 0);
  const job = readFileSync(join(dir, 'signs.yaml'), 'utf8');
  const variant = (name, from, to) => {
    insist(job.includes(from), `the demo job does not hold ${from}`);
    writeFileSync(join(dir, name), job.replace(from, to));
    return ['run', name];
  };
  writeFileSync(join(dir, 'taken.txt'), 'mine\n');
  const mistakes = [
    [['dance'], 'dance', 2],
    [['run', 'gone.yaml'], 'gone.yaml', 2],
    [variant('type.yaml', 'type: filter', 'type: filtre'), 'filtre', 2],
    [variant('script.yaml', 'filter.py', 'gone.py'), 'gone.py', null],
    [variant('source.yaml', '../signs.csv', 'gone.csv'), 'gone.csv', null],
    [variant('taken.yaml', 'file: counts.txt', 'file: taken.txt'), 'taken.txt', null],
  ];
  for (const [args, word, code] of mistakes) {
    const ended = await start(dir, args).ended;
    const said = JSON.stringify(ended.stderr);
    insist(ended.code !== 0 && ended.code !== null, `${args.join(' ')} was not refused`);
    insist(
      code === null || ended.code === code,
      `${args.join(' ')} ended with ${ended.code} instead of ${code}`,
    );
    insist(ended.stderr.includes(word), `${args.join(' ')} does not name ${word}: ${said}`);
    insist(!/^\s+at /m.test(ended.stderr), `${args.join(' ')} prints a stack: ${said}`);
    insist(
      ended.stderr.trim().split('\n').length === 1,
      `${args.join(' ')} says more than one line: ${said}`,
    );
  }
  insist(
    readFileSync(join(dir, 'taken.txt'), 'utf8') === 'mine\n',
    'a destination that existed was changed',
  );
  return `${mistakes.length} mistakes`;
}

/** A new directory with the demo job in it, its files named from there. */
function jobFolder(name, rate) {
  const dir = join(place, name);
  mkdirSync(dir);
  const job = readFileSync(join(root, 'scripts', 'demo', 'signs.yaml'), 'utf8')
    .replace(
      'file: ../../sample/signs.csv',
      rate === 0 ? 'file: ../signs.csv' : `file: ../signs.csv\n    rate: ${rate}`,
    )
    .replace('file: ../../sample/counts.txt', 'file: counts.txt');
  writeFileSync(join(dir, 'signs.yaml'), job);
  return dir;
}

function start(cwd, args) {
  const child = spawn(join(place, 'rainstorm'), args, {
    cwd,
    env: { PATH: join(place, 'path'), HOME: place, TMPDIR: place, LANG: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_MS,
    killSignal: 'SIGKILL',
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (chunk) => {
      text[name] += chunk;
    });
  }
  const running = { pid: child.pid, over: false, text, ended: null };
  running.ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      running.over = true;
      const end = () => resolve({ code, signal, ...text });
      child.once('close', end);
      setTimeout(end, END_MS).unref();
    });
  });
  return running;
}

async function waitFor(condition, running, what) {
  const deadline = Date.now() + RUN_MS / 2;
  while (!condition()) {
    insist(!running.over, `it ended while this waited for ${what}: ${running.text.stderr}`);
    insist(Date.now() < deadline, `this waited in vain for ${what}: ${running.text.stderr}`);
    await pause(20);
  }
}

function bytesUnder(dir) {
  if (!existsSync(dir)) return 0;
  let bytes = 0;
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && existsSync(path)) bytes += statSync(path).blocks * 512;
  }
  return bytes;
}

function countsOf(dir) {
  const files = [join(place, 'signs.csv'), join(dir, 'counts.txt')];
  const script = join(root, 'scripts', 'demo', 'check_counts.py');
  const judged = spawnSync('python3', [script, ...files], { encoding: 'utf8' });
  insist(judged.status === 0, `the output is wrong: ${judged.stderr.trim()}`);
  return judged.stdout.trim();
}

async function nothingIsLeft() {
  const deadline = Date.now() + END_MS;
  while (processesHere().length > 0 && Date.now() < deadline) await pause(50);
  const left = processesHere().map(({ pid, command }) => `${pid} (${command})`);
  insist(left.length === 0, `still running: ${left.join(', ')}`);
}

/** The processes that run the copied program, or from or with anything of its directory. */
function processesHere() {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .map((pid) => ({ pid: Number(pid), ...lookAt(pid) }))
    .filter(({ traces }) => traces.some((trace) => trace.includes(place)));
}

function lookAt(pid) {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return {
      command,
      traces: [command, readlinkSync(`/proc/${pid}/exe`), readlinkSync(`/proc/${pid}/cwd`)],
    };
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(error.code)) return { command: '', traces: [] };
    throw error;
  }
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function outcome({ code, signal, stderr }) {
  return `${signal ?? `exit code ${code}`}, saying ${JSON.stringify(stderr.trim())}`;
}
