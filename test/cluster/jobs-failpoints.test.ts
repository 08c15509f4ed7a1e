/**
 * Nodes of a cluster die at the named failpoints, one after the other in one job, each proven by the
 * order that it took; they come back with what they left, and every effect is there once.
 *
 * A few of them here; all of them, in jobs of every shape, with RAINSTORM_SOAK_FAILPOINTS=SEED through
 * `npm run soak:cluster`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { between, present, type Random, seededRandom } from '../../src/core/index.ts';
import type { TaskView } from '../../src/leader/index.ts';
import { smallLimits } from '../crash/program.ts';
import { allFailpoints } from '../helpers/failpoints.ts';
import { projectRoot } from '../helpers/processes.ts';
import { Armed } from './armed.ts';
import { Cluster, type ClusterProcess } from './cluster.ts';
import { ClusterJob } from './cluster-job.ts';
import {
  type Act,
  clusterFailpoints,
  failpointsAlone,
  inWords,
  type Play,
  playsOf,
  shortPlay,
} from './failpoint-acts.ts';

const NODES = 6;
const RATE = 200;
/** More than are read before the last death, also on a busy machine: the job is drained then. */
const LINES = 60_000;
const SEED = Number(process.env.RAINSTORM_SOAK_FAILPOINTS ?? 0);
const plays =
  SEED > 0
    ? playsOf(SEED)
    : [shortPlay(1, 'transform', { running: 3, recovery: 1, end: 1, files: 1 })];

const armed = new Armed();
let cluster: Cluster;

test.before(async () => {
  const flags = ['--replace-after', '5s', '--voters', '5'];
  cluster = await Cluster.make(flags, null, { env: armed.env, patches: smallLimits });
  await cluster.grow(NODES);
  await cluster.voters(5);
  await cluster.whole();
});
test.after.always(async () => {
  await cluster?.close();
  armed.close();
});

for (const play of plays) {
  test.serial(
    `seed ${play.seed}, ${play.job}: exact although nodes die at ${inWords(play)}`,
    (t) => {
      t.timeout(600_000);
      return bears(t, play);
    },
  );
}

async function bears(t: ExecutionContext, { seed, job: name, acts }: Play): Promise<void> {
  const random = seededRandom(seed);
  const before = cluster.nodes.length;
  const recoveries = acts.filter(({ phase }) => phase === 'recovery').length;
  const job = await ClusterJob.submit(cluster, {
    ...{ name, seed, lines: LINES, rate: RATE },
    padding: name === 'transform' ? 500 : 40, // wide enough for logs to be trimmed within seconds
  });
  await dies(t, job, acts, random).catch(async (error: Error) => {
    throw new Error(`${error.message}; ${await job.story()}`, { cause: error });
  });
  for (const act of acts.filter(({ phase }) => phase === 'files')) {
    t.log(await (act.failpoint === 'hydfs.copy-removed' ? removes(act) : mends(act)));
  }
  await cluster.complete();
  await cluster.whole();
  t.is(cluster.nodes.length - before, acts.length + recoveries, 'one more node for each that died');
}

/** All deaths that concern the job, and what it has written in the end. */
async function dies(
  t: ExecutionContext,
  job: ClusterJob,
  acts: readonly Act[],
  random: Random,
): Promise<void> {
  await job.reads(RATE);
  for (const act of acts.filter(({ phase }) => phase === 'running' || phase === 'recovery')) {
    t.log(await diesAt(job, act, random));
  }
  await endsAt(
    t,
    job,
    acts.filter(({ phase }) => phase === 'end'),
  );
  t.log(await job.isExact());
}

/** The job is drained, and each death falls on the end that the one before has delayed. */
async function endsAt(t: ExecutionContext, job: ClusterJob, acts: readonly Act[]): Promise<void> {
  const arm = (i: number): void => {
    if (i < acts.length) armed.arm(acts[i], cluster.living);
  };
  arm(0);
  await job.ask((service) => service.stop(job.title, 'end'));
  for (const [i, { failpoint }] of acts.entries()) {
    const dead = await armed.died(cluster);
    arm(i + 1);
    await cluster.restart(dead);
    t.log(`${dead.address} died at ${failpoint}`);
  }
}

/** One death while the job runs: it happens, what was there goes on elsewhere, the node is back. */
async function diesAt(job: ClusterJob, act: Act, random: Random): Promise<string> {
  const before = await job.settled();
  const isLate = between(random, 0, 2) === 1;
  const victim = act.phase === 'recovery' ? await victimOf(act, before, random) : null;
  armed.arm(act, victim === null ? await doomed(act, before, random) : cluster.living);
  await victim?.kill();
  const dead = [await armed.died(cluster), ...(victim === null ? [] : [victim])];
  const there = before.filter(({ vm }) => dead.some(({ address }) => address === vm));
  const names = there.map(({ name }) => name);
  if (isLate) await job.movedOn(names, before);
  for (const node of dead) await cluster.restart(node);
  await job.movedOn(names, before);
  await cluster.complete();
  const [{ address }] = dead;
  return `${address} died at ${act.failpoint} and was back ${isLate ? 'after' : 'before'} its ${names.length} tasks had moved`;
}

/** The tasks that pass what is passed at `where`. */
function passing({ where }: Act, tasks: readonly TaskView[]): readonly TaskView[] {
  const last = Math.max(...tasks.map(({ stage }) => stage));
  return tasks.filter(({ stage }) => {
    if (where === 'source') return stage === 0;
    if (where === 'sink') return stage === last;
    if (where === 'logging') return stage === 1;
    return where === 'stages' ? stage > 0 : true;
  });
}

/** Who is to die at a failpoint that a running job passes: the node of a random task, or any. */
async function doomed(
  act: Act,
  tasks: readonly TaskView[],
  random: Random,
): Promise<readonly ClusterProcess[]> {
  return act.where === 'nodes' ? cluster.living : [anyNodeOf(passing(act, tasks), random)];
}

/** Who is killed so that another one begins its tasks; never the leader when that one is to die there. */
async function victimOf(
  act: Act,
  tasks: readonly TaskView[],
  random: Random,
): Promise<ClusterProcess> {
  if (act.where !== 'leader') return anyNodeOf(passing(act, tasks), random);
  const { address } = await cluster.leader();
  return anyNodeOf(
    tasks.filter(({ vm }) => vm !== address),
    random,
  );
}

function anyNodeOf(tasks: readonly TaskView[], random: Random): ClusterProcess {
  const task = present(tasks.at(between(random, 0, tasks.length)), 'a task that passes there');
  const node = cluster.living.find(({ address }) => address === task.vm);
  return present(node, `${task.name} runs at a node that lives`);
}

/** A replica dies when it has removed its copy: the file is gone, and its name free. */
async function removes(act: Act): Promise<string> {
  const [name, local] = await stores(`removed-${act.pass}`);
  armed.arm(act, cluster.living);
  const removed = cluster.run(['fs', 'rm', name, ...at(0)]);
  const dead = await armed.died(cluster);
  await cluster.restart(dead);
  await removed;
  await cluster.complete();
  await says(0, 'fs', 'rm', name).catch(() => 'it was removed in spite of the death');
  const gone = await cluster.run(['fs', 'cat', name, ...at(0)]);
  if (!/there is no file/.test(gone.stderr))
    throw new Error(`${name} is still there: ${gone.stderr}`);
  await says(1, 'fs', 'create', name, local);
  if ((await says(2, 'fs', 'cat', name)) !== readFileSync(local, 'utf8')) {
    throw new Error(`${name} is not what was stored anew`);
  }
  return `${dead.address} died at ${act.failpoint}; the name is free`;
}

/** The primary dies when it has fetched an intact copy for its damaged one. */
async function mends(act: Act): Promise<string> {
  const [name, local] = await stores(`damaged-${act.pass}`);
  const places = JSON.parse(await says(0, 'fs', 'ls', name, '--json'));
  const primary = cluster.living.find(({ address }) => address === places.replicas[0].address);
  damage(join(present(primary, 'the primary lives').data, 'hydfs'), readFileSync(local));
  armed.arm(act, cluster.living);
  const merged = cluster.run(['fs', 'merge', name, ...at(0)]);
  const dead = await armed.died(cluster);
  await cluster.restart(dead);
  await merged;
  await cluster.complete();
  await cluster.whole();
  const text = await says(1, 'fs', 'merge', name);
  if ((await says(2, 'fs', 'cat', name)) !== readFileSync(local, 'utf8')) {
    throw new Error(`${name} is damaged: ${text}`);
  }
  return `${dead.address} died at ${act.failpoint}; ${text.trim()}`;
}

/** Stores a file of a few lines under `name`; where it is here. */
async function stores(name: string): Promise<[string, string]> {
  const local = join(cluster.dir, name);
  writeFileSync(local, Array.from({ length: 200 }, (_, i) => `${name} ${i}\n`).join(''));
  await says(0, 'fs', 'create', name, local);
  return [name, local];
}

/** Turns a bit of the file below `dir` that holds `bytes`. */
function damage(dir: string, bytes: Buffer): void {
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    const held = readFileSync(path);
    const start = held.indexOf(bytes);
    if (start < 0) continue;
    held[start] ^= 1;
    return writeFileSync(path, held, { flag: 'r+' });
  }
  throw new Error(`nothing below ${dir} holds the file`);
}

function at(i: number): readonly string[] {
  return ['--cluster', cluster.living[i].address];
}

async function says(i: number, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.run([...words, ...at(i)]);
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

test('every failpoint is one of a cluster or one of a node alone, and all seeds go through those of a cluster', (t) => {
  const all = allFailpoints(projectRoot).map(({ name }) => name);
  t.deepEqual([...clusterFailpoints, ...failpointsAlone].sort(), all.sort());
  for (const seed of [1, 2, 3]) {
    const passed = playsOf(seed).flatMap(({ acts }) => acts.map(({ failpoint }) => failpoint));
    t.deepEqual(passed.sort(), [...clusterFailpoints].sort());
  }
});
