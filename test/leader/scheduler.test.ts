import test from 'ava';
import fc from 'fast-check';
import { Placement } from '../../src/leader/index.ts';
import { ringOrder } from '../../src/plan/index.ts';

const nodes = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 9,
});

test('the ring has the same order whoever lists the nodes', (t) => {
  fc.assert(
    fc.property(nodes, (all) => {
      t.deepEqual(ringOrder([...all].reverse()), ringOrder(all));
    }),
    { seed: 3 },
  );
});

test('tasks on idle nodes differ by at most one, and go round the ring', (t) => {
  fc.assert(
    fc.property(nodes, fc.nat(40), (all, tasks) => {
      const placement = new Placement('job', all, new Map());
      const placed = Array.from({ length: tasks }, () => placement.next() ?? '');
      const counts = all.map((node) => placed.filter((each) => each === node).length);
      t.true(Math.max(...counts) - Math.min(...counts) <= 1);
      for (let i = all.length; i < tasks; i++) t.is(placed[i], placed[i - all.length]);
    }),
    { seed: 3 },
  );
});

test('the least loaded node is next, and without nodes there is none', (t) => {
  const load = new Map([
    ['a', 3],
    ['b', 1],
  ]);
  const placement = new Placement('job', ['a', 'b'], load);
  t.deepEqual([placement.next(), placement.next()], ['b', 'b']);
  t.deepEqual([placement.next(), placement.next()].sort(), ['a', 'b']);
  t.is(new Placement('job', [], new Map()).next(), null);
});
