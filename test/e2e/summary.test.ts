import test, { type ExecutionContext } from 'ava';
import type { JobView } from '../../src/leader/index.ts';
import { rainstorm } from '../helpers/processes.ts';
import { operator, Place, range } from './helpers/place.ts';

const LINES = 4000;
const DEAD = 3;
const text = range(0, LINES)
  .map((i) => (i % 1500 === 700 ? 'poison\n' : `line ${i}\n`))
  .join('');

function job(place: Place, more: Readonly<Record<string, unknown>> = {}): string[] {
  place.write('in.txt', text);
  return place.job({
    name: 'sums',
    sources: ['in.txt'],
    stages: [
      { name: 'pick', type: 'filter', run: 'filter', args: ['--regex', 'poison|[0-7]$'], tasks: 2 },
      {
        name: 'fragile',
        type: 'transform',
        run: operator('dies_of.py'),
        args: ['poison'],
        tasks: 2,
      },
      { name: 'pick-2', type: 'filter', run: 'filter', args: ['--regex', '[0-5]$'] },
    ],
    ...more,
  });
}

/** The number behind `label` in a summary. */
function fact(said: string, label: string): number {
  const found = new RegExp(`^ {2}${label} +([\\d,]+)$`, 'm').exec(said);
  return Number((found?.[1] ?? 'NaN').replaceAll(',', ''));
}

function addsUp(t: ExecutionContext, { stages }: JobView): void {
  let arriving = LINES;
  for (const { name, counts } of stages) {
    const { in: taken = 0, out = 0, filtered = 0, dead = 0 } = counts;
    t.is(taken, arriving, `${name} took what was sent to it`);
    t.is(taken, filtered + out + dead, `${name} accounts for what it took`);
    arriving = out;
  }
}

for (const exactlyOnce of [true, false]) {
  const mode = exactlyOnce ? 'exactly once' : 'at least once';
  test.serial(`the numbers of stages and summary add up (${mode})`, async (t) => {
    const place = new Place(t);
    const said = await place.done(t, job(place, { exactlyOnce }));
    const [view] = await place.list<JobView[]>('jobs');
    addsUp(t, view);
    t.is(fact(said, 'tuples in'), LINES);
    t.is(fact(said, 'dead letters'), DEAD);
    t.is(fact(said, 'tuples out'), place.lines().length);
    t.is(fact(said, 'duplicates dropped'), 0);
    t.is(fact(said, 'filtered out') + fact(said, 'tuples out') + DEAD, LINES);
    const [first] = place.lines();
    t.true(said.includes(`first lines of the output\n    ${first}\n`), said);
    t.regex(said, /^ {2}output +out\.txt$/m);
    t.regex(said, /^sums is done$/m);
  });
}

test.serial('counts go on over Ctrl-C and the same command', async (t) => {
  const place = new Place(t);
  const words = job(place, { rate: 4000 });
  const running = place.start(words);
  await place.untilLines(500);
  running.interrupt();
  const first = await running.ended;
  t.is(first.code, 130, first.stderr);
  t.regex(first.stderr, /^sums was stopped$/m);
  const before = fact(first.stderr, 'tuples out');
  t.is(before, place.lines().length);
  t.true(before >= 500 && before < LINES);
  const said = await place.done(t, words);
  t.is(fact(said, 'tuples in'), LINES);
  t.is(fact(said, 'tuples out'), place.lines().length);
  t.is(fact(said, 'filtered out') + fact(said, 'tuples out') + DEAD, LINES);
  const [view] = await place.list<JobView[]>('jobs');
  addsUp(t, view);
});

test.serial('off a terminal progress is a line at a time, and --quiet leaves it out', async (t) => {
  const place = new Place(t);
  const words = job(place);
  const loud = await rainstorm(t, words, { cwd: place.dir });
  t.is(loud.code, 0, loud.stderr);
  t.regex(
    loud.stderr,
    /^sums: \w+, \d+%, [\d,]+ tuples, \S+ ?\S*\/s, pick [\d,]+>[\d,]+, fragile .*, lag [\d,]+, elapsed .*$/m,
  );
  for (const control of ['\u001b', '\r']) t.false(loud.stderr.includes(control));
  t.is(loud.stdout, '');
  const quiet = await place.done(t, [...words, '--restart', '--quiet']);
  t.notRegex(quiet, /^sums: /m);
  t.regex(quiet, /^job sums \(\w{8}\) starts\nsums is done\n {2}tuples in /);
});
