/** Random commands over a small world, so that they meet: two names, three jobs, few epochs. */
import fc from 'fast-check';
import { type Command, encodePlans, jobStates } from '../../../src/control/index.ts';

const term = fc.integer({ min: 0, max: 3 });
const at = fc.integer({ min: 0, max: 2 ** 41 });
const job = fc.constantFrom('j1', 'j2', 'j3');
const node = fc.constantFrom('h1:1#a', 'h1:1#b', 'h2:1#c');
const address = fc.constantFrom('h1:1', 'h2:1', 'h3:1');
const stage = fc.integer({ min: 0, max: 1 });
const index = fc.integer({ min: 0, max: 1 });
const epoch = fc.integer({ min: 1, max: 4 });
const counts = fc.record({ in: fc.nat(), out: fc.nat() }, { noNullPrototype: true });
const table = fc.nat(255).map((task) => new Uint8Array(2048).fill(task));

const store = fc.constantFrom('s1', 's2', 's3', 's4');
const point = fc.constantFrom(0, 31, 32, 1023);
const version = fc.nat(5);
const plan = fc
  .tuple(point, version, fc.shuffledSubarray(['s1', 's2', 's3', 's4'], { minLength: 1 }), fc.nat(3))
  .map(([of, at, stores, more]) => {
    const replicas = stores.slice(0, Math.max(1, stores.length - more));
    return { point: of, version: at, replicas, joining: stores.slice(replicas.length) };
  });
const plans = fc.array(plan, { minLength: 1, maxLength: 4 });

const pointVersions = fc.array(fc.tuple(point, version), { minLength: 1, maxLength: 6 });
const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);

/** What concerns the holders of a few points. */
export const hydfsCommand: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(term, plans, at, fc.boolean()).map(([of, wishes, when, fresh]): Command => {
      const points = { kind: 'hydfs-points' as const, term: of, ...encodePlans(wishes), at: when };
      return fresh ? { ...points, fresh } : points;
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record(
      { kind: kind('hydfs-caught-up'), term, store, points: pointVersions, by: node, at },
      { requiredKeys: ['kind', 'term', 'store', 'points', 'at'] },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('hydfs-used'), term, points: pointVersions, at }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('hydfs-unfit'),
      term,
      store,
      point,
      version,
      reason: fc.string(),
      at,
    }),
  },
);

/** Any command, most of them of a job's daily life. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: kind('term-begin'), term, at }) },
  {
    weight: 3,
    arbitrary: fc.record(
      { kind: kind('node-admit'), term, node, address, cores: fc.nat(8), store, at },
      { requiredKeys: ['kind', 'term', 'node', 'address', 'cores', 'at'] },
    ),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('node-remove'), term, node, at }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: kind('job-submit'),
      term,
      job,
      name: fc.constantFrom('signs', 'lamps'),
      spec: fc.record({ size: fc.nat(), list: fc.array(fc.string()) }, { noNullPrototype: true }),
      fingerprint: fc.constantFrom('f1', 'f2'),
      at,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record(
      {
        kind: kind('job-state'),
        term,
        job,
        from: fc.constantFrom(...jobStates),
        to: fc.constantFrom(...jobStates),
        reason: fc.string(),
        at,
      },
      { requiredKeys: ['kind', 'term', 'job', 'to', 'at'] },
    ),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: kind('assign'), term, job, stage, index, node, at }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: kind('task-done'), term, job, stage, index, epoch, counts, at }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('slots'), term, job, stage, version: epoch, table, at }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('job-forget'), term, job, at }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kind('hydfs-copies'), term, copies: fc.constantFrom(1, 3), at }),
  },
  { weight: 10, arbitrary: hydfsCommand },
);

/** Two nodes, then `length` commands, of one leader after the other; each ninth is of the first. */
export const commandRun = (length: number, any = anyCommand): fc.Arbitrary<Command[]> =>
  fc.array(any, { minLength: length, maxLength: length }).map((commands) => {
    const nodes = ['h1:1#a', 'h2:1#c'].map((node): Command => {
      return { kind: 'node-admit', term: 0, node, address: node.slice(0, 4), cores: 1, at: 0 };
    });
    const inTerms = commands.map((command, i) => ({ ...command, term: i % 9 === 8 ? 0 : i >> 4 }));
    return [...nodes, ...inTerms];
  });
