import test from 'ava';
import fc from 'fast-check';
import { ToldPlace } from '../../src/hydfs/told-place.ts';

test('the place told is the last one that was allowed, and never moves back', (t) => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('mark' as const), bytes: fc.nat(9) }),
    fc.record({
      kind: fc.constant('up-to' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  );
  const property = fc.property(fc.array(step, { maxLength: 3000, minLength: 1000 }), (steps) => {
    const told = new ToldPlace();
    const lengths = [0];
    let allowed = 0;
    for (const each of steps) {
      if (each.kind === 'mark') {
        lengths.push((lengths.at(-1) ?? 0) + each.bytes);
        told.mark({ index: lengths.length - 1, length: lengths.at(-1) ?? 0 });
      } else {
        const index = Math.floor(each.share * (lengths.length - 1));
        allowed = Math.max(allowed, index);
        t.deepEqual(told.upTo(index), { index: allowed, length: lengths[allowed] });
      }
    }
  });
  t.notThrows(() => fc.assert(property, { numRuns: 20, seed: 11 }));
});

test('places that were joined are told together', (t) => {
  const told = new ToldPlace();
  for (let index = 1; index <= 5000; index++) told.mark({ index, length: index * 2 });
  told.join(4000);
  t.deepEqual(told.upTo(3999), { index: 0, length: 0 });
  t.deepEqual(told.upTo(4000), { index: 4000, length: 8000 });
  t.deepEqual(told.upTo(4001), { index: 4001, length: 8002 });
  told.join(4001);
  t.deepEqual(told.upTo(9999), { index: 5000, length: 10_000 });
});
