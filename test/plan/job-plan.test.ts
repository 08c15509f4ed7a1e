import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {
  attemptName,
  consumersOf,
  deadLettersFileName,
  isLastStage,
  isStateful,
  type JobPlan,
  jobSpecJsonSchema,
  operatorCandidates,
  outputFileName,
  parseJobFile,
  planJob,
  producersOf,
  specFingerprint,
  taskName,
  tasksOf,
  topologicalOrder,
  validateFileName,
  walFileName,
} from '../../src/plan/index.ts';
import { anySpec } from './helpers/job-arbitraries.ts';

const SPEC = parseJobFile(
  `
name: signs
sources: [{ file: a }, { file: b }]
stages:
  - { name: pick, type: filter, run: filter.py, tasks: 3 }
  - { name: count, type: aggregate, run: ./ops/count.py, tasks: 2 }
sink: { file: out }
`,
  '/jobs/signs.yaml',
);

test('a chain is laid out from the sources to the last stage', (t) => {
  const plan = planJob('0af3', SPEC);
  t.deepEqual(
    plan.stages.map((s) => [s.index, s.name, s.kind, s.tasks]),
    [
      [0, 'source', 'source', 2],
      [1, 'pick', 'filter', 3],
      [2, 'count', 'aggregate', 2],
    ],
  );
  t.deepEqual(consumersOf(plan, 0), [1]);
  t.deepEqual(producersOf(plan, 2), [1]);
  t.deepEqual(producersOf(plan, 0), []);
  t.deepEqual(
    [0, 1, 2].map((s) => isLastStage(plan, s)),
    [false, false, true],
  );
  t.deepEqual(
    [0, 1, 2].map((s) => isStateful(plan, s)),
    [false, false, true],
  );
  t.is(plan.tasks.length, 7);
  t.deepEqual(tasksOf(plan, 2), [
    { job: '0af3', stage: 2, index: 0 },
    { job: '0af3', stage: 2, index: 1 },
  ]);
});

test('tasks, attempts and files have the names of the design', (t) => {
  const plan = planJob('0af3', SPEC);
  const attempt = { job: '0af3', stage: 1, index: 2, epoch: 5 };
  t.is(taskName(plan, attempt), 'signs/pick[2]');
  t.is(taskName(plan, { stage: 0, index: 1 }), 'signs/source[1]');
  t.is(attemptName(plan, attempt), 'signs/pick[2]#5');
  t.is(walFileName(attempt), 'jobs/0af3/wal/1-2');
  t.is(deadLettersFileName('0af3'), 'jobs/0af3/dead-letters');
  t.is(outputFileName('0af3'), 'jobs/0af3/output');
  for (const name of [walFileName(attempt), deadLettersFileName('a'), outputFileName('a')]) {
    t.is(validateFileName(name), null);
  }
});

test('any plan is a graph whose order puts producers first and whose files are all different', (t) => {
  fc.assert(
    fc.property(anySpec, (spec) => {
      const plan = planJob('job-1', spec);
      const order = topologicalOrder(plan);
      t.deepEqual(
        order.toSorted((a, b) => a - b),
        plan.stages.map((s) => s.index),
      );
      for (const { from, to } of plan.edges) t.true(order.indexOf(from) < order.indexOf(to));
      t.is(new Set(plan.tasks.map(walFileName)).size, plan.tasks.length);
      t.is(new Set(plan.tasks.map((task) => taskName(plan, task))).size, plan.tasks.length);
      t.deepEqual(planJob('job-1', spec), plan);
    }),
    { seed: 13, numRuns: 40 },
  );
});

test('a diamond is ordered and a planted cycle is noticed', (t) => {
  const plan = planJob('x', SPEC);
  const stages = [0, 1, 2, 3].map((index) => ({ ...plan.stages[0], index }));
  const diamond: JobPlan = {
    ...plan,
    stages,
    edges: [
      { from: 0, to: 2 },
      { from: 0, to: 1 },
      { from: 1, to: 3 },
      { from: 2, to: 3 },
    ],
  };
  t.deepEqual(topologicalOrder(diamond), [0, 1, 2, 3]);
  const cycle = { ...diamond, edges: [...diamond.edges, { from: 3, to: 1 }] };
  t.throws(() => topologicalOrder(cycle), { message: /form no cycle/ });
});

test('job ids that could leave their folder are a bug', (t) => {
  for (const id of ['', '../x', 'a/b', 'a b', 'x'.repeat(65)]) t.throws(() => planJob(id, SPEC));
});

test('the fingerprint ignores the order of keys and nothing else', (t) => {
  const shuffled = Object.fromEntries(Object.entries(SPEC).reverse()) as unknown as typeof SPEC;
  t.is(specFingerprint(shuffled), specFingerprint(SPEC));
  t.regex(specFingerprint(SPEC), /^[0-9a-f]{64}$/);
  const others = [
    { ...SPEC, baseDir: '/elsewhere' },
    { ...SPEC, exactlyOnce: false },
    { ...SPEC, sources: SPEC.sources.toReversed() },
    { ...SPEC, stages: SPEC.stages.map((s) => ({ ...s, args: ['x'] })) },
  ];
  const prints = new Set([SPEC, ...others].map(specFingerprint));
  t.is(prints.size, 5);
});

test('operators are looked for where the job file says', (t) => {
  const spec = { baseDir: '/jobs', operatorDirs: ['lib', '/opt/ops'] };
  t.deepEqual(operatorCandidates(spec, './f.py'), [{ kind: 'file', path: '/jobs/f.py' }]);
  t.deepEqual(operatorCandidates(spec, '/x/f.py'), [{ kind: 'file', path: '/x/f.py' }]);
  t.deepEqual(operatorCandidates(spec, 'f.py'), [
    { kind: 'file', path: '/jobs/f.py' },
    { kind: 'file', path: '/jobs/lib/f.py' },
    { kind: 'file', path: '/opt/ops/f.py' },
    { kind: 'bundled', name: 'f.py' },
    { kind: 'command', name: 'f.py' },
  ]);
});

test('the published schema is the one that is checked with', (t) => {
  const published = new URL('../../native-proto/job.schema.json', import.meta.url);
  const text = readFileSync(published, 'utf8');
  t.deepEqual(JSON.parse(text), jobSpecJsonSchema(), 'run `node scripts/make-schema.mjs`');
});
