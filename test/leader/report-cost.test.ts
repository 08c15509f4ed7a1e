import test from 'ava';
import { type AttemptRecord, type JobRun, step } from '../../src/leader/index.ts';
import { Cluster } from './helpers/cluster.ts';
import { specOf } from './helpers/specs.ts';
import { Transcript } from './helpers/transcript.ts';

/** Attempts that count how often they are looked up or walked over. */
class CountedAttempts extends Map<string, AttemptRecord> {
  looks = 0;

  override get(key: string): AttemptRecord | undefined {
    this.looks += 1;
    return super.get(key);
  }

  override values(): MapIterator<AttemptRecord> {
    this.looks += this.size;
    return super.values();
  }

  override [Symbol.iterator](): MapIterator<[string, AttemptRecord]> {
    this.looks += this.size;
    return super[Symbol.iterator]();
  }
}

/** A running job of `tasks` tasks and a source, whose attempts are counted. */
function counted(tasks: number): { leader: Transcript; attempts: CountedAttempts } {
  const leader = new Transcript();
  leader.connect('a');
  leader.submit(specOf(1, [tasks]));
  for (let index = 0; index < tasks; index++) leader.report(`a 1/${index} running`);
  leader.report('a 0/0 running');
  const run = leader.leader.runs.get('j') as JobRun;
  const attempts = new CountedAttempts();
  for (const [key, attempt] of run.attempts) attempts.set(key, attempt);
  leader.leader = { ...leader.leader, runs: new Map([['j', { ...run, attempts }]]) };
  return { leader, attempts };
}

function looksOf(tasks: number, said: { state: string; pids: number[] }): number {
  const { leader, attempts } = counted(tasks);
  const place = { job: 'j', stage: 1, index: 0, epoch: 1, fault: null } as const;
  const facts = { counts: { in: 99 }, rate: 5, operator: 'filter.py', logFile: 'task.log' };
  const report = { kind: 'task-report', ...place, ...facts, ...said } as const;
  step(leader.leader, { kind: 'report', node: 'a', report, at: 2 });
  return attempts.looks;
}

test('a report of counts alone looks at one attempt, however many there are', (t) => {
  const counts = { state: 'running', pids: [101] };
  t.deepEqual(
    [4, 16, 64].map((tasks) => looksOf(tasks, counts)),
    [1, 1, 1],
  );
  for (const news of [
    { ...counts, state: 'finished' },
    { ...counts, pids: [102] },
  ]) {
    t.true(looksOf(32, news) > 32, 'the count would notice a walk over all');
  }
});

test('a report of counts alone leaves the very same state, and is seen', (t) => {
  const { leader } = counted(2);
  const place = { job: 'j', stage: 1, index: 0, epoch: 1, state: 'running', fault: null } as const;
  const facts = { pids: [101], operator: 'filter.py', logFile: 'task.log', rate: 5 };
  const report = { kind: 'task-report', ...place, ...facts, counts: { in: 99 } } as const;
  const { state, effects } = step(leader.leader, { kind: 'report', node: 'a', report, at: 2 });
  t.is(state, leader.leader);
  t.deepEqual(effects, [{ kind: 'changed', job: 'j' }]);
  t.deepEqual(state.runs.get('j')?.attempts.get('1/0')?.gauge, { counts: { in: 99 }, rate: 5 });
  const late = step(state, { kind: 'report', node: 'b', report, at: 2 });
  t.is(late.state, state);
  t.deepEqual(late.effects, []);
});

test('counts that were seen stay as they were when newer ones come', async (t) => {
  const cluster = await Cluster.open();
  const { leader } = cluster;
  cluster.join();
  const job = await leader.submit(specOf(1, [1]));
  while (leader.job(job)?.state !== 'running') await null;
  const [before] = leader.tasks(job);
  const { stage, index, epoch } = before;
  const facts = { pids: [7], operator: 'filter.py', logFile: 'task.log', rate: 3, fault: null };
  const place = { kind: 'task-report', job, stage, index, epoch, state: 'running' } as const;
  leader.report('h:1#1', { ...place, ...facts, counts: { in: 6 } });
  t.deepEqual([before.counts.in, before.rate], [5, 2]);
  const [after] = leader.tasks(job);
  t.deepEqual([after.counts.in, after.rate], [6, 3]);
  await cluster.close();
});
