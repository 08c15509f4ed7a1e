import test from 'ava';
import { isFault } from '../../src/core/index.ts';
import { ABSENT_MS, type JobView, type Leader, WATCH_MS } from '../../src/leader/index.ts';
import { Cluster } from './helpers/cluster.ts';
import { specOf } from './helpers/specs.ts';

const spec = specOf(1, [2]);

/** Resolves when the job is in `state`, by watching. */
async function until(leader: Leader, job: string, state: string): Promise<void> {
  while (leader.job(job)?.state !== state) await null;
}

test('a job is submitted, runs, is seen and ends', async (t) => {
  const cluster = await Cluster.open();
  const { leader, clock } = cluster;
  cluster.join();
  const job = await leader.submit(spec);
  t.regex(job, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  await until(leader, job, 'running');
  const [first] = leader.tasks(job);
  t.like(first, { name: 'signs/source[0]', vm: 'h:1', pids: [7], state: 'running', epoch: 1 });
  t.like(first, { operator: 'filter.py', counts: { in: 5, out: 3 }, rate: 2, logFile: 'task.log' });
  cluster.reportAll(job, 'finished');
  const view = await leader.whenEnded(job);
  t.like(view, { state: 'finished', reason: null, name: 'signs', endedAt: clock.wall() });
  t.deepEqual(
    view.stages.map(({ name, tasks, done, counts }) => [name, tasks, done, counts.in]),
    [
      ['source', 1, 1, 5],
      ['s1', 2, 2, 10],
    ],
  );
  t.deepEqual(
    view.events.map(({ kind }) => kind).filter((kind) => kind.startsWith('job')),
    ['job-submitted', 'job-started', 'job-ended'],
  );
  t.deepEqual(leader.jobs(), [view]);
  await cluster.close();
  t.is(clock.waiting, 0);
});

test('a watcher sees a few states a second and always the last', async (t) => {
  const cluster = await Cluster.open();
  const { leader, clock } = cluster;
  cluster.join();
  const job = await leader.submit(spec);
  await until(leader, job, 'running');
  const seen: JobView[] = [];
  const watching = (async () => {
    for await (const view of leader.watch(job)) seen.push(view);
  })();
  for (let i = 0; i < 20; i++) {
    cluster.reportAll(job, 'running');
    for (let turn = 0; turn < 20; turn++) await null;
  }
  t.is(seen.length, 1);
  clock.advance(WATCH_MS);
  while (seen.length < 2) await null;
  cluster.reportAll(job, 'finished');
  await watching;
  t.is(seen.at(-1)?.state, 'finished');
  t.true(seen.length <= 3);
  t.is(clock.waiting, 0);
  await cluster.close();
});

test('a watcher that is not interested any more is let go', async (t) => {
  const cluster = await Cluster.open();
  const job = await cluster.leader.submit(spec);
  const gone = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { state } of cluster.leader.watch(job, gone.signal)) seen.push(state);
  })();
  while (seen.length === 0) await null;
  gone.abort();
  await watching;
  t.is(cluster.clock.waiting, 0);
  await cluster.close();
});

test('a suspended job is resumed by the same description and by no other', async (t) => {
  const cluster = await Cluster.open();
  const { leader } = cluster;
  cluster.join();
  const job = await leader.submit(spec, { id: 'j1' });
  await until(leader, job, 'running');
  const suspended = leader.suspend(job);
  await until(leader, job, 'suspending');
  cluster.reportAll(job, 'quiet');
  cluster.reportAll(job, 'quiet');
  t.is((await suspended).state, 'suspended');
  const other = await t.throwsAsync(leader.submit(specOf(2, [2]), { resumeOf: job }));
  t.true(isFault(other, 'JOB_CHANGED'));
  t.is(await leader.submit(spec, { resumeOf: job }), job);
  await until(leader, job, 'running');
  t.deepEqual(
    leader.tasks(job).map(({ epoch }) => epoch),
    [2, 2, 2],
  );
  t.is(leader.tasks(job)[0].counts.duplicates, 2);
  await cluster.close();
});

test('requests that cannot be met are refused with a sentence', async (t) => {
  const cluster = await Cluster.open();
  const { leader } = cluster;
  cluster.join();
  const job = await leader.submit(spec, { id: 'j1' });
  const taken = await t.throwsAsync(leader.submit(spec));
  t.true(isFault(taken, 'JOB_NAME_TAKEN'));
  const again = await t.throwsAsync(leader.submit(specOf(1, [1], 'other'), { id: 'j1' }));
  t.true(isFault(again, 'JOB_EXISTS'));
  const unknown = await t.throwsAsync(leader.stop('nobody', 'now'));
  t.true(isFault(unknown, 'JOB_UNKNOWN'));
  await leader.stop(job, 'now');
  t.is((await leader.whenEnded(job)).state, 'cancelled');
  await leader.stop(job, 'now');
  for (const wish of [leader.resume(job), leader.stop(job, 'drain')]) {
    t.true(isFault(await t.throwsAsync(wish), 'JOB_STATE_REFUSED'));
  }
  t.is((await leader.suspend(job)).state, 'cancelled');
  await cluster.close();
});

test('a drained job is stopped when its tasks have finished', async (t) => {
  const cluster = await Cluster.open();
  const { leader } = cluster;
  cluster.join();
  const job = await leader.submit(spec);
  await until(leader, job, 'running');
  await leader.stop(job, 'drain');
  await leader.stop(job, 'drain');
  const modes = cluster.orders.flatMap((order) => (order.kind === 'task-stop' ? [order.mode] : []));
  t.deepEqual(modes, ['end']);
  cluster.reportAll(job, 'finished');
  t.is((await leader.whenEnded(job)).state, 'stopped');
  await cluster.close();
});

test('a stop is kept when the job is suspended, killed or failed on the way', async (t) => {
  const before = await Cluster.open();
  before.join('h:1#1');
  const job = await before.leader.submit(spec);
  await until(before.leader, job, 'running');
  await before.leader.stop(job, 'drain');
  const suspended = before.leader.suspend(job);
  await until(before.leader, job, 'suspending');
  for (let stage = 0; stage < 2; stage++) before.reportAll(job, 'quiet');
  t.is((await suspended).state, 'suspended');
  await before.leader.resume(job);
  t.is(before.leader.job(job)?.state, 'stopping');
  before.machine.crash();
  const after = await Cluster.open({ hold: true }, before);
  const { leader } = after;
  after.join('h:1#2');
  t.is(leader.job(job)?.state, 'suspended');
  await leader.resume(job);
  const [{ stage, index, epoch }] = leader.tasks(job);
  while (!after.orders.some((order) => order.kind === 'task-stop')) await null;
  after.report('h:1#2', { job, stage, index, epoch: epoch + 1 }, 'failed');
  t.is((await leader.whenEnded(job)).state, 'failed');
  const refused = await t.throwsAsync(leader.stop(job, 'drain'));
  t.true(isFault(refused, 'JOB_STATE_REFUSED'));
  await leader.resume(job);
  t.is(leader.job(job)?.state, 'stopping');
  while (leader.tasks(job).some(({ state }) => state !== 'running')) await null;
  after.reportAll(job, 'finished', 'h:1#2');
  t.is((await leader.whenEnded(job)).state, 'stopped');
  before.leader.close();
  await after.close();
});

test('a job that a killed process left goes on in the next one', async (t) => {
  const before = await Cluster.open();
  before.join('h:1#1');
  const job = await before.leader.submit(spec);
  await until(before.leader, job, 'running');
  before.machine.crash();
  const after = await Cluster.open({}, before);
  after.join('h:1#2');
  while (after.orders.length < 3) await null;
  const started = after.orders.map((order) => (order.kind === 'task-start' ? order.epoch : null));
  t.deepEqual(started, [2, 2, 2]);
  before.leader.close();
  await after.close();
});

test('a leader that holds has every job at rest when it is open', async (t) => {
  const before = await Cluster.open();
  before.join('h:1#1');
  const job = await before.leader.submit(spec);
  await until(before.leader, job, 'running');
  before.machine.crash();
  const after = await Cluster.open({ hold: true }, before);
  after.join('h:1#2');
  t.is(after.leader.job(job)?.state, 'suspended');
  t.deepEqual(after.orders, []);
  await after.leader.resume(job);
  await until(after.leader, job, 'running');
  before.leader.close();
  await after.close();
});

test('a node that stays away is taken for dead after its time', async (t) => {
  const cluster = await Cluster.open();
  const { leader, clock, control } = cluster;
  cluster.join();
  while (control.state.nodes.size === 0) await null;
  leader.nodeDisconnected('h:1#1');
  clock.advance(ABSENT_MS - 1);
  cluster.join();
  clock.advance(ABSENT_MS);
  t.is(control.state.nodes.size, 1);
  leader.nodeDisconnected('h:1#1');
  clock.advance(ABSENT_MS);
  while (control.state.nodes.size > 0) await null;
  await cluster.close();
  t.is(clock.waiting, 0);
});

test('a leader whose control log fails tells those who wait and orders nothing more', async (t) => {
  const cluster = await Cluster.open();
  const { leader, machine } = cluster;
  cluster.join();
  const job = await leader.submit(spec);
  await until(leader, job, 'running');
  const waiting = leader.whenEnded(job);
  machine.failingSyncs = 1;
  const { length } = cluster.orders;
  cluster.reportAll(job, 'finished');
  t.true(isFault(await t.throwsAsync(waiting)));
  t.is(cluster.orders.length, length);
  t.true(isFault(await t.throwsAsync(leader.stop(job, 'now')), 'CONTROL_UNAVAILABLE'));
  await cluster.close();
});
