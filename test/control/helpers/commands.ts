/** Random commands over a small world, so that they meet: two names, three jobs, few epochs. */
import fc from 'fast-check';
import { type Command, jobStates } from '../../../src/control/index.ts';

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

const kind = <K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);

/** Any command, most of them of a job's daily life. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: kind('term-begin'), term, at }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: kind('node-admit'), term, node, address, cores: fc.nat(8), at }),
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
);

/** Two nodes, then `length` commands, of one leader after the other; each ninth is of the first. */
export const commandRun = (length: number): fc.Arbitrary<Command[]> =>
  fc.array(anyCommand, { minLength: length, maxLength: length }).map((commands) => {
    const nodes = ['h1:1#a', 'h2:1#c'].map((node): Command => {
      return { kind: 'node-admit', term: 0, node, address: node.slice(0, 4), cores: 1, at: 0 };
    });
    const inTerms = commands.map((command, i) => ({ ...command, term: i % 9 === 8 ? 0 : i >> 4 }));
    return [...nodes, ...inTerms];
  });
