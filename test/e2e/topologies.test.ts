/**
 * Random chains of stages. The first stage makes the key of each tuple from its line; every stage
 * writes the number of its process behind the value, so each output line tells its whole way:
 *
 *   key: <source>.<number>/<process of stage 1>/<process of stage 2>/...
 *
 * Order is promised per key along each channel. All tuples of one key, one source and one task of
 * the first stage take the same way from there, so they must come out in the order of the file.
 */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { operator, Place, range } from './helpers/place.ts';

const LINES = 150;
const KEYS = 12;

interface Stage {
  readonly type: 'filter' | 'transform' | 'aggregate';
  readonly tasks: number;
  readonly processes: number;
}

interface Topology {
  readonly stages: readonly Stage[];
  readonly sources: number;
  readonly exactlyOnce: boolean;
  readonly transport: string;
  readonly threads: number;
}

interface Output {
  readonly key: string;
  readonly source: number;
  readonly number: number;
  /** the process of each stage */
  readonly way: readonly string[];
}

const stageOf = (tasks: fc.Arbitrary<number>): fc.Arbitrary<Stage> =>
  fc
    .record({
      type: fc.constantFrom('filter', 'transform', 'aggregate'),
      tasks,
      processes: fc.constantFrom(1, 1, 3),
    })
    .map((stage): Stage => {
      return stage.type === 'aggregate' ? { ...stage, processes: 1 } : (stage as Stage);
    });

const chains = fc.oneof(
  fc.array(stageOf(fc.integer({ min: 1, max: 8 })), { minLength: 1, maxLength: 3 }),
  fc.array(stageOf(fc.integer({ min: 1, max: 3 })), { minLength: 2, maxLength: 7 }),
);

const topologies: fc.Arbitrary<Topology> = fc.record({
  stages: chains,
  sources: fc.integer({ min: 1, max: 3 }),
  exactlyOnce: fc.boolean(),
  transport: fc.constantFrom('in-process', 'tcp'),
  threads: fc.constantFrom(0, 2),
});

async function holds(t: ExecutionContext, topology: Topology): Promise<void> {
  const place = new Place(t);
  const files = range(0, topology.sources).map((i) => `in${i}.txt`);
  for (const [i, file] of files.entries()) place.write(file, sourceText(i));
  const words = place.job({
    sources: files,
    stages: topology.stages.map((stage, i) => ({
      ...stage,
      name: `s${i + 1}`,
      run: runOf(stage, i),
    })),
    exactlyOnce: topology.exactlyOnce,
  });
  const { transport, threads } = topology;
  await place.done(t, [
    ...words,
    '--transport',
    transport,
    '--threads',
    `${threads}`,
    '--sync',
    'os',
  ]);
  const outputs = place.lines().map(readOutput);
  t.deepEqual(namesOf(outputs), expectedNames(topology), 'each tuple comes out once');
  t.deepEqual(outOfOrder(outputs), []);
  for (const [i, { tasks, processes }] of topology.stages.entries()) {
    const used = new Set(outputs.map(({ way }) => way[i]));
    t.true(used.size <= tasks * processes, `stage ${i + 1} has ${used.size} processes`);
    if (i === 0 || processes > 1) continue;
    for (const [key, tuples] of Map.groupBy(outputs, (output) => output.key)) {
      t.is(new Set(tuples.map(({ way }) => way[i])).size, 1, `key ${key} in stage ${i + 1}`);
    }
  }
}

/** The tuples that stand behind a later one of the same key, source and first process. */
function outOfOrder(outputs: readonly Output[]): Output[] {
  const groups = Map.groupBy(outputs, ({ key, source, way }) => `${key} ${source} ${way[0]}`);
  return [...groups.values()].flatMap((tuples) =>
    tuples.filter(({ number }, i) => i > 0 && tuples[i - 1].number > number),
  );
}

function runOf({ type }: Stage, i: number): string {
  if (i === 0) return operator('rekey.sh');
  return operator(type === 'filter' ? 'sieve.sh' : 'tag.sh');
}

function sourceText(source: number): string {
  return range(0, LINES)
    .map((i) => `k${(i * 7) % KEYS},${source}.${i}\n`)
    .join('');
}

function readOutput(line: string): Output {
  const [key, value] = line.split(': ');
  const [id, ...way] = value.split('/');
  const [source, number] = id.split('.').map(Number);
  return { key, source, number, way };
}

function namesOf(outputs: readonly Output[]): string[] {
  return outputs.map(({ source, number }) => `${source}.${number}`).sort();
}

function expectedNames({ stages, sources }: Topology): string[] {
  const sieved = stages.slice(1).some(({ type }) => type === 'filter');
  return range(0, sources)
    .flatMap((source) => range(0, LINES).map((i) => `${source}.${i}`))
    .filter((name) => !sieved || !name.endsWith('0'))
    .sort();
}

test.serial(
  'in random chains every tuple comes out once, and those of a key in their order',
  async (t) => {
    const property = fc.asyncProperty(topologies, (topology) => holds(t, topology));
    await fc.assert(property, { seed: 20, numRuns: 10, endOnFailure: true });
  },
);

test.serial('a chain of 16 stages of all types keeps the order', async (t) => {
  const types = ['transform', 'filter', 'aggregate'] as const;
  const stages = range(0, 16).map((i) => ({
    type: types[i % 3],
    tasks: 1 + (i % 2),
    processes: 1,
  }));
  await holds(t, { stages, sources: 2, exactlyOnce: true, transport: 'in-process', threads: 0 });
});

test.serial('between stages of 8 tasks each key has one way', async (t) => {
  const stages = (['transform', 'aggregate', 'transform'] as const).map((type) => {
    return { type, tasks: 8, processes: 1 };
  });
  await holds(t, { stages, sources: 2, exactlyOnce: true, transport: 'tcp', threads: 2 });
});

test('the check of the order notices two tuples of a key that changed places', (t) => {
  const outputs = ['k1: 0.3/7/9', 'k1: 0.5/7/9', 'k1: 0.4/8/9'].map(readOutput);
  t.deepEqual(outOfOrder(outputs), [], 'tasks of the first stage do not wait for each other');
  t.deepEqual(outOfOrder(outputs.toReversed()), [outputs[0]]);
});
