import test from 'ava';
import fc from 'fast-check';
import { isFault } from '../../src/core/index.ts';
import {
  formatDuration,
  formatLocation,
  locationKey,
  parseDuration,
  parseLocation,
  suggest,
  validateFileName,
} from '../../src/plan/index.ts';

test('HyDFS names: what is allowed', (t) => {
  for (const name of ['a', 'a/b/c.txt', '...', 'a b', 'ß', 'x'.repeat(255), '.hidden', 'a..b']) {
    t.is(validateFileName(name), null, name);
  }
});

test('HyDFS names: what is refused, and why', (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /empty/],
    ['a\0b', /NUL/],
    ['.', /part '\.'/],
    ['..', /part '\.\.'/],
    ['a/../b', /part '\.\.'/],
    ['a/./b', /part '\.'/],
    ['/a', /empty part/],
    ['a/', /empty part/],
    ['a//b', /empty part/],
    ['x'.repeat(256), /256 bytes/],
    ['ß'.repeat(128), /256 bytes/],
    ['\ud800', /Unicode/],
  ];
  for (const [name, reason] of cases) t.regex(validateFileName(name) ?? '', reason, name);
});

test('no valid name climbs out of a folder', (t) => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('.', '..', '/', 'a', '\0')), (parts) => {
      const name = parts.join('');
      if (validateFileName(name) !== null) return;
      t.is(new URL(name, 'file:///root/data/').pathname, `/root/data/${name}`);
    }),
    { seed: 14 },
  );
});

test('locations are HyDFS names or local paths', (t) => {
  t.deepEqual(parseLocation('hydfs:a/b'), { kind: 'hydfs', name: 'a/b' });
  t.deepEqual(parseLocation('../a.csv'), { kind: 'local', path: '../a.csv' });
  for (const text of ['hydfs:a/b', 'x', '/x:y']) t.is(formatLocation(parseLocation(text)), text);
  for (const bad of ['', 'a\0', 'hydfs:', 'hydfs:/a', 'x'.repeat(5000)]) {
    const error = t.throws(() => parseLocation(bad));
    t.true(isFault(error, 'LOCATION_INVALID'));
  }
  t.is(locationKey('./a//b'), locationKey('a/b'));
  t.not(locationKey('hydfs:a'), locationKey('a'));
});

test('durations are read exactly and written back', (t) => {
  const cases: readonly (readonly [string, number | null])[] = [
    ['10s', 10_000],
    ['500ms', 500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1.5s', 1500],
    ['0s', 0],
    ['0.5ms', null],
    ['10', null],
    ['-1s', null],
    ['1e3s', null],
    ['1 s', null],
    ['s', null],
    ['', null],
  ];
  for (const [text, ms] of cases) t.is(parseDuration(text), ms, text);
  fc.assert(
    fc.property(fc.nat(10 ** 9), (ms) => {
      t.is(parseDuration(formatDuration(ms)), ms);
    }),
    { seed: 14 },
  );
});

test('a near word is suggested, a far one is not', (t) => {
  const known = ['sources', 'stages', 'sink', 'rate'];
  t.is(suggest('source', known), 'sources');
  t.is(suggest('satges', known), 'stages');
  t.is(suggest('SINK', known), 'sink');
  t.is(suggest('rat', known), 'rate');
  t.is(suggest('frobnicate', known), null);
  t.is(suggest('', known), null);
  t.is(suggest('x'.repeat(10_000), known), null);
});
