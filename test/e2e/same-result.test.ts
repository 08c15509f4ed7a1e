import { createHash } from 'node:crypto';
import test from 'ava';
import { linesOf, Place, range } from './helpers/place.ts';

const LINES = 12_000;
const words = ['alpha', 'beta', 'gamma', 'delta', 'épsilon', 'zeta', 'eta', 'theta'];

function source(seed: number): string {
  return range(0, LINES)
    .map((i) => {
      const pick = (k: number): string => words[((i * 31 + seed) ** 2 + k * 7) % words.length];
      return `${pick(1)} ${i % 3 === 0 ? 'skip' : pick(2)} ${pick(3)}-${i % 100}\n`;
    })
    .join('');
}

/** Running counts of the words of the lines without `skip`, as a set of lines. */
function expected(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  const lines: string[] = [];
  for (const line of texts.flatMap(linesOf)) {
    if (line.includes('skip')) continue;
    for (const word of line.split(' ')) {
      const count = (counts.get(word) ?? 0) + 1;
      counts.set(word, count);
      lines.push(`${word}\t${count}`);
    }
  }
  return lines.sort();
}

const digest = (lines: readonly string[]): string =>
  createHash('sha256').update(lines.join('\n')).digest('hex');

const texts = [source(1), source(5)];
const result = digest(expected(texts));

for (const transport of ['in-process', 'tcp']) {
  for (const exactlyOnce of [true, false]) {
    for (const threads of [0, 2]) {
      const mode = `${transport}, exactlyOnce ${exactlyOnce}, ${threads} threads`;
      test.serial(`the same job has the same result: ${mode}`, async (t) => {
        const place = new Place(t);
        for (const [i, text] of texts.entries()) place.write(`in${i}.txt`, text);
        const job = place.job({
          sources: ['in0.txt', 'in1.txt'],
          stages: [
            {
              name: 'pick',
              type: 'filter',
              run: 'filter',
              args: ['--regex', '^(?!.*skip)'],
              tasks: 2,
            },
            { name: 'split', type: 'transform', run: 'split_words', processes: 2 },
            { name: 'count', type: 'aggregate', run: 'count_by_key', tasks: 2 },
          ],
          sink: { file: 'out.tsv', format: 'tsv' },
          exactlyOnce,
        });
        await place.done(t, [...job, '--transport', transport, '--threads', `${threads}`]);
        t.is(digest(place.lines('out.tsv').sort()), result);
      });
    }
  }
}
