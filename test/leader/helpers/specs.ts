import { type JobSpec, parseJobFile } from '../../../src/plan/index.ts';

/** A job with `sources` files and one stage for each number of tasks. */
export function specOf(sources: number, stages: readonly number[], name = 'signs'): JobSpec {
  const files = Array.from({ length: sources }, (_, i) => `{ file: in${i} }`).join(', ');
  const lines = stages.map(
    (tasks, i) => `  - { name: s${i + 1}, type: filter, run: filter.py, tasks: ${tasks} }`,
  );
  const text = [
    `name: ${name}`,
    `sources: [${files}]`,
    'stages:',
    ...lines,
    'sink: { file: out }',
    '',
  ].join('\n');
  return parseJobFile(text, '/jobs/job.yaml');
}
