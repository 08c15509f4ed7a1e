/** What the files of a job are called in a cluster. */
import test from 'ava';
import { clusterSpec, type JobSpec } from '../../src/plan/index.ts';
import { locate } from '../../src/worker/index.ts';
import { specOf } from '../leader/helpers/specs.ts';

function reading(...files: string[]): JobSpec {
  const sources = files.map((file) => ({ file, rate: 0, follow: false }));
  return { ...specOf(1, [1]), sources };
}

test('in a cluster a plain name and one with hydfs: are the same file, locally they are not', (t) => {
  const spec = reading('in/a.csv');
  t.deepEqual(locate(spec, 'in/a.csv'), { kind: 'local', path: '/jobs/in/a.csv' });
  const stored = clusterSpec(spec);
  t.deepEqual(locate(stored, 'in/a.csv'), { kind: 'hydfs', name: 'in/a.csv' });
  t.deepEqual(locate(stored, 'hydfs:in/a.csv'), { kind: 'hydfs', name: 'in/a.csv' });
  t.deepEqual(clusterSpec(stored), stored);
  t.is(stored.sources[0].file, 'in/a.csv', 'keys of tuples begin with what was written');
});

test('what can only be a path is refused in a cluster, with the command that stores a file', (t) => {
  for (const path of ['/data/a.csv', './a.csv', '../a.csv', 'a//b']) {
    const error = t.throws(() => clusterSpec(reading(path)), { code: 'PATH_IN_CLUSTER' });
    t.true(error.message.includes(`'${path}'`) && error.message.includes('rainstorm fs create'));
    const sink = { file: path, format: 'kv' } as const;
    t.throws(() => clusterSpec({ ...reading('a'), sink }), { code: 'PATH_IN_CLUSTER' });
  }
});

test('a source that is given under both of its spellings is refused', (t) => {
  t.throws(() => clusterSpec(reading('a.csv', 'hydfs:a.csv')), { code: 'SOURCE_REPEATED' });
});
