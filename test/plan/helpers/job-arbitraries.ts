/** Valid job specs for property tests, reaching every field and its limits. */
import fc from 'fast-check';
import { type JobSpec, SINK_FORMATS, type StageSpec } from '../../../src/plan/index.ts';

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((t) => !t.includes('\0'));
const awkward = fc.constantFrom(
  'none',
  '',
  "it's",
  '"',
  '\\',
  '*',
  '$HOME',
  '#',
  '5',
  'true',
  '- a',
);
const path = fc.stringMatching(/^[a-z][a-z0-9_./ '-]{0,20}[a-z]$/);
const rate = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1e9 }), fc.constant(0.5));

const stage: fc.Arbitrary<StageSpec> = fc
  .record({
    name: name.filter((n) => n !== 'source' && n !== 'sink'),
    type: fc.constantFrom('filter' as const, 'transform' as const, 'aggregate' as const),
    run: path,
    args: fc.array(fc.oneof(text, awkward), { maxLength: 4 }),
    tasks: fc.integer({ min: 1, max: 64 }),
    processes: fc.integer({ min: 1, max: 16 }),
    deadlineMs: fc.integer({ min: 1, max: 24 * 3_600_000 }),
    protocol: fc.constant('lines' as const),
    shim: fc.boolean(),
    env: fc.dictionary(fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/), fc.oneof(text, awkward)),
    files: fc.array(path, { maxLength: 2 }),
  })
  .map((s) => (s.type === 'aggregate' ? { ...s, processes: 1 } : s));

const location = fc.oneof(
  path,
  path.filter((p) => !/(^|\/)\.{0,2}(\/|$)/.test(p)).map((p) => `hydfs:${p}`),
);
const locations = fc
  .uniqueArray(location, { minLength: 2, maxLength: 5, selector: (t) => t.replace(/[./]/g, '') })
  .filter((list) => list.every((t) => t.length > 0));

/** Any spec that a job file can say. */
export const anySpec: fc.Arbitrary<JobSpec> = fc
  .record({
    name,
    operatorDirs: fc.array(path, { maxLength: 3 }),
    locations,
    files: fc.array(path, { maxLength: 2 }),
    requirements: fc.oneof(fc.constant(''), path),
    rate,
    sourceRate: rate,
    follow: fc.boolean(),
    stages: fc.uniqueArray(stage, { minLength: 1, maxLength: 5, selector: (s) => s.name }),
    format: fc.constantFrom(...SINK_FORMATS),
    exactlyOnce: fc.boolean(),
    logOutputs: fc.constantFrom('sample' as const, 'all' as const, 'none' as const),
  })
  .map(({ locations: places, sourceRate, follow, format, ...rest }) => ({
    ...rest,
    baseDir: '/home/job',
    names: 'local' as const,
    sources: places.slice(1).map((file) => ({ file, rate: sourceRate, follow })),
    sink: { file: places[0], format },
    autoscale: false as const,
  }));

/** Any command line of the positional form, in pieces. */
export const anyPositional = fc.record({
  tasks: fc.integer({ min: 1, max: 64 }),
  stages: fc.array(
    fc.record({
      run: path,
      args: fc.array(fc.oneof(text, awkward), { maxLength: 4 }),
      type: fc.constantFrom('filter', 'transform', 'aggregate', 'Filter'),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  files: locations,
  rate: fc.integer({ min: 0, max: 1e9 }),
  exactlyOnce: fc.constantFrom('true', 'false', '0', '1', 'TRUE'),
});
