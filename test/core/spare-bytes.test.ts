import test from 'ava';
import fc from 'fast-check';
import { SpareBytes } from '../../src/core/index.ts';

const STEP = 64 * 1024;

test('what was given back is taken again, once', (t) => {
  const spare = new SpareBytes(10 * STEP);
  const first = spare.take(STEP + 1);
  t.is(first.length, STEP + 1);
  spare.give(first);
  spare.give(first);
  const second = spare.take(2 * STEP);
  t.is(second.buffer, first.buffer);
  t.not(spare.take(STEP).buffer, first.buffer, 'the second gift was none');
});

test('memory from elsewhere, moved away or beyond the limit is not kept', (t) => {
  const spare = new SpareBytes(2 * STEP);
  const foreign = new Uint8Array(STEP);
  spare.give(foreign);
  t.not(spare.take(STEP).buffer, foreign.buffer);
  const moved = spare.take(STEP);
  structuredClone(moved, { transfer: [moved.buffer] });
  spare.give(moved);
  t.is(spare.take(STEP).buffer.byteLength, STEP);
  const [a, b, c] = [1, 2, 3].map(() => spare.take(STEP));
  for (const each of [a, b, c]) spare.give(each);
  const again = new Set([1, 2, 3].map(() => spare.take(STEP).buffer));
  t.true(again.has(a.buffer) && again.has(b.buffer) && !again.has(c.buffer));
});

test('whatever is taken and given, no two holders share a byte', (t) => {
  const step = fc.record({ size: fc.nat(5 * STEP), gives: fc.option(fc.nat(20)) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const spare = new SpareBytes(4 * STEP);
      const held: Uint8Array[] = [];
      for (const { size, gives } of steps) {
        const taken = spare.take(size);
        if (size > 0 && held.some(({ buffer }) => buffer === taken.buffer)) return false;
        if (taken.length !== size) return false;
        held.push(taken);
        if (gives !== null)
          for (const gone of held.splice(gives % held.length, 1)) spare.give(gone);
      }
      return true;
    }),
  );
  t.pass();
});
