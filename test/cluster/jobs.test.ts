/** Jobs on three real nodes: submitted anywhere, exact when operators, nodes and the leader die. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { isFault, present } from '../../src/core/index.ts';
import type { JobView, TaskView } from '../../src/leader/index.ts';
import { reachService, type Service } from '../../src/node/index.ts';
import { type CrashJob, writeJob } from '../crash/jobs.ts';
import { askOracle } from '../crash/kills.ts';
import { until } from '../helpers/poll.ts';
import { Cluster, type ClusterProcess, LONG_MS } from './cluster.ts';

const LINES = 6000;

let cluster: Cluster;
let jobs = 0;

test.before(async () => {
  cluster = await Cluster.make(['--replace-after', '1s']);
  await cluster.grow(3);
  await cluster.voters(3);
  await cluster.whole();
});
test.after.always(() => cluster?.close());

/** Asks a node that lives; another one when the first does not answer. */
async function ask<T>(body: (service: Service) => Promise<T>): Promise<T> {
  const failed: unknown[] = [];
  for (const node of cluster.living) {
    try {
      return await askAt(node, body);
    } catch (error) {
      failed.push(error);
    }
  }
  throw present(failed.at(-1), 'a node lives');
}

async function askAt<T>(node: ClusterProcess, body: (service: Service) => Promise<T>): Promise<T> {
  const service = await reachService(node.data, { make: false });
  try {
    return await body(service);
  } finally {
    await service.close();
  }
}

/** The source and the destination of a job, which no other one has. */
function namesOf({ title }: CrashJob): [string, string] {
  return [`${title}.csv`, `${title}.txt`];
}

/** Stores the source of a `count` job and submits it at `node`. */
async function submit(node: ClusterProcess, rate: number): Promise<CrashJob> {
  jobs += 1;
  const dir = join(cluster.dir, `job-${jobs}`);
  mkdirSync(dir);
  const options = { seed: jobs, lines: LINES, padding: 20, tasks: 2 };
  const job = writeJob(dir, 'count', { ...options, more: `rate: ${rate}` });
  const [source] = job.sources;
  const path = join(dir, 'job.yaml');
  const text = readFileSync(path, 'utf8');
  const [input, output] = namesOf(job);
  writeFileSync(path, text.replace('in.csv', input).replace('out.txt', output));
  await askAt(node, async (service) => {
    // While the ring still grows a creation may be answered by a primary that has it from the last one.
    await service.create(input).catch((error: unknown) => {
      if (!isFault(error, 'FILE_EXISTS')) throw error;
    });
    await service.append(input, readFileSync(present(source, 'a count job has a source')));
  });
  const words = ['run', path, '--detach', '--data', node.data];
  const { code, stderr } = await cluster.run(words);
  if (code !== 0) throw new Error(stderr);
  return job;
}

async function view({ title }: CrashJob): Promise<JobView> {
  return ask((service) => service.job(title));
}

/** The tasks of the job once `lines` lines have been read. */
async function reads(job: CrashJob, lines: number): Promise<readonly TaskView[]> {
  const read = async (): Promise<boolean> =>
    ((await view(job)).stages.at(0)?.counts.in ?? 0) >= lines;
  await until(read, { what: `${lines} lines of ${job.title}`, deadlineMs: LONG_MS });
  return ask((service) => service.tasks(job.title));
}

/** Waits for the end, asks the oracle and verifies; what the oracle says. */
async function exact(job: CrashJob): Promise<string> {
  const over = async (): Promise<JobView | null> => {
    const seen = await view(job).catch(() => null); // a leader is being elected
    return seen !== null && ['finished', 'failed'].includes(seen.state) ? seen : null;
  };
  const { state, reason } = await until(over, {
    what: `the end of ${job.title}`,
    deadlineMs: 2 * LONG_MS,
  });
  if (state !== 'finished') throw new Error(`${job.title} ${state}: ${reason}`);
  const { proved } = await ask((service) => service.verify(job.title));
  if (!proved) throw new Error(`verify refutes ${job.title}`);
  const pieces = await ask(async (service) => {
    const all: Uint8Array[] = [];
    for await (const piece of service.read(namesOf(job)[1])) all.push(piece);
    return all;
  });
  writeFileSync(job.destination, Buffer.concat(pieces));
  return askOracle([
    ...job.oracle,
    ...['--destination', job.destination, '--sources', ...job.sources],
  ]);
}

function processAt(vm: string | null | undefined): ClusterProcess {
  return present(
    cluster.living.find(({ address }) => address === vm),
    `${vm} lives`,
  );
}

test.serial('a job runs on all nodes, is seen alike at each, and is exact', async (t) => {
  const [, second] = cluster.living;
  const job = await submit(present(second, 'three nodes'), 3000);
  const tasks = await reads(job, 500);
  t.is(new Set(tasks.map(({ vm }) => vm)).size, 3, 'tasks on each node');
  for (const node of cluster.living) {
    const seen = await askAt(node, (service) => service.tasks(job.title));
    t.deepEqual(
      seen.map(({ name, vm, epoch }) => [name, vm, epoch]),
      tasks.map(({ name, vm, epoch }) => [name, vm, epoch]),
    );
  }
  t.log(await exact(job));
});

test.serial('operators are killed by vm and pid at any node, and the job is exact', async (t) => {
  const job = await submit(present(cluster.living.at(0), 'a node'), 1500);
  for (const lines of [500, 1500]) {
    const tasks = (await reads(job, lines)).filter(({ pids }) => pids.length > 0);
    let killed = 0;
    for (const { vm, pids } of tasks) {
      const one = ask((service) => service.killTask(vm ?? '', pids[0]));
      await one.then(
        () => {
          killed += 1;
        },
        (error: unknown) => {
          // It was listed before the report of its last restart came.
          if (!isFault(error, 'PID_UNKNOWN')) throw error;
        },
      );
    }
    t.true(killed > 0);
  }
  t.log(await exact(job));
  const restarts = (await view(job)).events.filter(({ kind }) => kind === 'operator-restarted');
  t.true(restarts.length > 0);
});

test.serial('a node dies with its tasks, and the job is exact', async (t) => {
  const leader = await cluster.leader();
  const job = await submit(leader, 1000);
  const tasks = await reads(job, 1000);
  const victim = tasks.map(({ vm }) => vm).find((vm) => vm !== leader.address);
  const node = processAt(victim);
  await node.kill();
  t.log(await exact(job));
  const after = await ask((service) => service.tasks(job.title));
  for (const before of tasks.filter(({ vm }) => vm === victim)) {
    const now = present(
      after.find(({ name }) => name === before.name),
      before.name,
    );
    t.true(now.epoch > before.epoch);
  }
  await cluster.grow(1); // at another address, so that the votes of the living can be told apart
  await cluster.voters(3);
});

test.serial('the leader dies, the next one goes on with the job, and it is exact', async (t) => {
  const leader = await cluster.leader();
  const job = await submit(leader, 1000);
  const { job: id } = await view(job);
  await reads(job, 1000);
  await leader.kill();
  t.log(await exact(job));
  t.is((await view(job)).job, id, 'it was not submitted again');
  const log = await jobLog(job.title);
  t.regex(log, /was submitted/);
  t.regex(log, / finished/);
});

/** The job log, as it is in HyDFS. */
async function jobLog(title: string): Promise<string> {
  return ask(async (service) => {
    const { job } = await service.job(title);
    const pieces: Uint8Array[] = [];
    for await (const piece of service.read(`jobs/${job}/log`)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  });
}
