/** The oracle itself: it accepts what is right and names what was planted. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { askOracle } from './kills.ts';

const SOURCE = '0,k1,keep\n1,k2,drop\n2,k1,keep\r\n\n4,k2,keep\n5,k1,keep';
const IDENTITY = [
  'in.csv:0: 0,k1,keep',
  'in.csv:1: 1,k2,drop',
  'in.csv:2: 2,k1,keep',
  'in.csv:3: ',
  'in.csv:4: 4,k2,keep',
  'in.csv:5: 5,k1,keep',
];
const COUNT = ['k1: 1', 'k2: 1', 'k1: 2', 'k1: 3'];
const REKEY = ['k1: 0', 'k2: 4', 'k1: 2', 'k1: 5'];
const count = ['count', 'keep', '1'];
const rekey = ['rekey', 'keep', '1', '0'];

function says(
  t: ExecutionContext,
  kind: readonly string[],
  lines: readonly string[],
  source = SOURCE,
): Promise<string> {
  const dir = tmpDir(t);
  const [from, to] = [join(dir, 'in.csv'), join(dir, 'out.txt')];
  writeFileSync(from, source);
  writeFileSync(to, lines.map((line) => `${line}\n`).join(''));
  return askOracle([...kind, '--destination', to, '--sources', from]);
}

async function refutes(
  t: ExecutionContext,
  kind: readonly string[],
  lines: readonly string[],
  how: RegExp,
): Promise<void> {
  const error = await t.throwsAsync(says(t, kind, lines));
  t.regex(error?.message ?? '', how);
}

const without = (lines: readonly string[], i: number): string[] => lines.toSpliced(i, 1);

test('the oracle accepts what is right, in any order where none is owed', async (t) => {
  t.is(await says(t, ['identity'], IDENTITY), '6 lines for 6 effects, all exactly once');
  await says(t, ['identity'], IDENTITY.toReversed());
  await says(t, count, COUNT);
  await says(t, [...rekey, '--ordered'], REKEY);
  await says(t, rekey, REKEY.toReversed());
  await says(t, ['transform', 'drop', 'drop', 'x'], ['in.csv:1: 1,k2,x']);
  await says(t, ['words'], ['a: 1', 'b: 1', 'a: 2'], 'a b\n\na\n');
});

test('the oracle names a planted loss', async (t) => {
  await refutes(t, ['identity'], without(IDENTITY, 4), /^the oracle refutes: lost: 0 times/);
  await refutes(t, count, without(COUNT, 3), /'k1' is counted to 2 instead of 3/);
  await refutes(t, count, without(COUNT, 2), /'k1' is counted 3 too early, 2 comes next/);
});

test('the oracle names a planted duplicate', async (t) => {
  await refutes(t, ['identity'], [...IDENTITY, IDENTITY[2]], /duplicated: 2 times instead of 1/);
  await refutes(t, count, [...COUNT, COUNT[3]], /'k1' is counted 3 again or late/);
  await refutes(t, count, [...COUNT, 'k1: 4'], /'k1' is counted 4 of 3/);
});

test('the oracle names a planted reorder', async (t) => {
  const swapped = [REKEY[2], REKEY[1], REKEY[0], REKEY[3]];
  await refutes(t, [...rekey, '--ordered'], swapped, /out of order: line 1 has '2' for 'k1'/);
  await refutes(t, count, [COUNT[2], COUNT[1], COUNT[0], COUNT[3]], /counted 2 too early/);
});

test('the oracle names what no source has, and a line that is cut short', async (t) => {
  await refutes(t, ['identity'], [...IDENTITY, 'in.csv:9: x'], /invented: 'in.csv:9: x'/);
  await refutes(t, count, [...COUNT, 'k7: 1'], /the key 'k7' is in no source/);
  const dir = tmpDir(t);
  writeFileSync(join(dir, 'in.csv'), 'a\n');
  writeFileSync(join(dir, 'out.txt'), 'in.csv:0: a');
  const files = ['--destination', join(dir, 'out.txt'), '--sources', join(dir, 'in.csv')];
  const error = await t.throwsAsync(askOracle(['identity', ...files]));
  t.regex(error?.message ?? '', /ends in the middle of a line/);
});

test('with at-least-once the oracle bears repeats, and nothing else', async (t) => {
  const relaxed = ['identity', '--at-least-once'];
  await says(t, relaxed, [...IDENTITY, IDENTITY[2]]);
  await refutes(t, relaxed, without(IDENTITY, 4), /lost/);
  await refutes(t, relaxed, [...IDENTITY, 'in.csv:9: x'], /invented/);
});

test('the oracle counts dead letters', async (t) => {
  const letters = join(tmpDir(t), 'letters.jsonl');
  const kind = ['identity', '--poison', '4,k2', '--letters', letters];
  const lines = without(IDENTITY, 4);
  const letter = '{"id":"in.csv:4"}\n';
  writeFileSync(letters, letter);
  await says(t, kind, lines);
  writeFileSync(letters, letter + letter);
  await refutes(t, kind, lines, /the dead letter in.csv:4 is there 2 times/);
  writeFileSync(letters, '');
  await refutes(t, kind, lines, /the dead letter in.csv:4 is there 0 times/);
  writeFileSync(letters, `${letter}{"id":"in.csv:0"}\n`);
  await refutes(t, kind, lines, /the dead letter in.csv:0 was no poison/);
});

test('an oracle with nothing to compare says so', async (t) => {
  const error = await t.throwsAsync(says(t, ['identity'], [], ''));
  t.regex(error?.message ?? '', /there is nothing to check/);
});
