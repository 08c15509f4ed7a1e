/** Submissions, beside a leader whose one node answers at once. */
import test, { type ExecutionContext } from 'ava';
import { fault, isFault, seededRandom } from '../../src/core/index.ts';
import type { FileSystem } from '../../src/hydfs/index.ts';
import { LocalJobs } from '../../src/node/local-jobs.ts';
import type { NodeTasks } from '../../src/node/node-tasks.ts';
import type { JobOperators } from '../../src/node/operators.ts';
import type { SubmitRequest } from '../../src/node/service.ts';
import { clusterSpec } from '../../src/plan/index.ts';
import { openFiles, simDisk } from '../hydfs/helpers.ts';
import { Cluster } from '../leader/helpers/cluster.ts';
import { specOf } from '../leader/helpers/specs.ts';

type Command = Awaited<ReturnType<JobOperators['of']>>;
const command = {} as Command; // never run here

interface Ground {
  readonly cluster: Cluster;
  readonly fs: FileSystem;
  readonly jobs: LocalJobs;
}

async function open(t: ExecutionContext, operators?: JobOperators): Promise<Ground> {
  const cluster = await Cluster.open();
  cluster.join();
  const fs = await openFiles(simDisk().mount());
  await fs.create('in0');
  t.teardown(async () => {
    await cluster.close();
    await fs.close();
  });
  const jobs = new LocalJobs({
    leader: cluster.leader,
    control: cluster.control,
    fs,
    operators: operators ?? { of: async () => command, forget: async () => undefined },
    here: {} as NodeTasks,
    random: seededRandom(3),
  });
  return { cluster, fs, jobs };
}

function request(name: string, more: Partial<SubmitRequest> = {}): SubmitRequest {
  return { spec: clusterSpec(specOf(1, [1], name)), overwrite: false, restart: false, ...more };
}

const id = 'a'.repeat(32);
const manifest = { files: [], scripts: {} };

test('a submission that comes again is the job that it has become, also when it is to begin anew', async (t) => {
  const { cluster, fs, jobs } = await open(t);
  const again = request('signs', { id, manifest, restart: true, overwrite: true });
  const [first, second] = await Promise.all([jobs.submit(again), jobs.submit(again)]);
  t.deepEqual([first, second, await jobs.submit(again)], Array(3).fill({ kind: 'new', job: id }));
  t.deepEqual(
    (await jobs.jobs()).map(({ job, state }) => [job, state === 'cancelled']),
    [[id, false]],
  );
  t.true((await fs.list(`jobs/${id}/`)).includes(`jobs/${id}/package`));
  cluster.reportAll(id, 'finished');
  await cluster.leader.whenEnded(id);
  await fs.create('out');
  t.deepEqual(await jobs.submit({ ...again, restart: false, overwrite: false }), first);
});

test('of two jobs that are submitted at once for one destination, one is refused', async (t) => {
  const { jobs } = await open(t);
  const both = await Promise.allSettled([jobs.submit(request('one')), jobs.submit(request('two'))]);
  const [refused] = both.filter((each) => each.status === 'rejected');
  t.true(isFault(refused?.reason, 'DESTINATION_TAKEN'));
  t.is((await jobs.jobs()).length, 1);
});

test('a destination is cleared when no earlier job writes to it any more', async (t) => {
  const { cluster, fs, jobs } = await open(t);
  const { job } = await jobs.submit(request('one'));
  await fs.create('out');
  const states: (string | undefined)[] = [];
  const remove = fs.remove.bind(fs);
  fs.remove = (name) => {
    if (name === 'out') states.push(cluster.control.state.jobs.get(job)?.state);
    return remove(name);
  };
  await jobs.submit(request('two', { overwrite: true }));
  t.deepEqual(states, [undefined]); // it was given up, and forgotten
});

test('what a job brought stays when it was refused for what passes, and goes when it was a mistake', async (t) => {
  let trouble: Error;
  const { fs, jobs } = await open(t, {
    of: () => Promise.reject(trouble),
    forget: async () => undefined,
  });
  trouble = fault('REPLICA_NOT_READY', { name: 'p', reason: 'it is filled' });
  await t.throwsAsync(jobs.submit(request('one', { id, manifest })), { code: 'REPLICA_NOT_READY' });
  t.deepEqual(await fs.list('jobs/'), [`jobs/${id}/package`]);
  trouble = fault('OPERATOR_NOT_FOUND', { run: 'x', looked: 'y', bundled: 'z' });
  await t.throwsAsync(jobs.submit(request('one', { id, manifest })), {
    code: 'OPERATOR_NOT_FOUND',
  });
  t.deepEqual(await fs.list('jobs/'), []);
});

test('nothing is touched for a submission when jobs are not led from here any more', async (t) => {
  const { cluster, fs, jobs } = await open(t);
  await fs.create('out');
  await cluster.control.close();
  await t.throwsAsync(jobs.submit(request('one', { overwrite: true })), {
    code: 'CONTROL_UNAVAILABLE',
  });
  t.true((await fs.list('')).includes('out'));
});
