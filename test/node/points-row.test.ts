/** What an operator is told about the copies of all files. */
import test from 'ava';
import { pointsText } from '../../src/cli/commands/points.ts';
import { apply, type Command, emptyState, encodePlans } from '../../src/control/index.ts';
import { pointsRow } from '../../src/node/points-row.ts';
import { RING_POINTS } from '../../src/plan/index.ts';

type Loose = Command extends infer C ? (C extends Command ? Omit<C, 'term' | 'at'> : never) : never;

/** The row after `commands`. */
function rowAfter(...commands: Loose[]): ReturnType<typeof pointsRow> {
  let state = emptyState;
  for (const command of commands) {
    state = apply(state, { ...command, term: 1, at: 0 } as Command).state;
  }
  return pointsRow(state);
}

const admit = (store: string): Loose => {
  return { kind: 'node-admit', node: `${store}:1#x`, address: `${store}:1`, cores: 1, store };
};
const remove = (store: string): Loose => ({ kind: 'node-remove', node: `${store}:1#x` });

/** All points get `replicas` and `joining`, from `version`. */
function place(version: number, replicas: string[], joining: string[] = []): Loose {
  const points = Array.from({ length: RING_POINTS }, (_, point) => point);
  const plans = points.map((point) => ({ point, version, replicas, joining }));
  return { kind: 'hydfs-points', ...encodePlans(plans) };
}

test('points are counted by how they are, and stores by what they hold', (t) => {
  const three = [admit('a'), admit('b'), admit('c')];
  const placed = rowAfter(...three, place(0, ['a', 'b', 'c']));
  t.deepEqual(placed.health, { lost: 0, short: 0, moving: 0, complete: RING_POINTS });
  t.is(pointsText(placed), 'all 1,024 points have 3 copies');
  const [a, , c] = placed.stores;
  t.deepEqual(
    [a.primary, a.points, c.primary, c.points],
    [RING_POINTS, RING_POINTS, 0, RING_POINTS],
  );

  const moving = rowAfter(
    ...three,
    admit('d'),
    place(0, ['a', 'b', 'c']),
    place(1, ['a', 'b', 'c'], ['d']),
  );
  t.is(moving.health.moving, RING_POINTS);
  t.regex(pointsText(moving), /^0 of 1,024 .*\n1,024 have their copies and move to other nodes$/);
});

test('what lacks copies is under repair, also before anybody has begun with it', (t) => {
  const four = [admit('a'), admit('b'), admit('c'), admit('d')];
  const dead = rowAfter(...four, place(0, ['a', 'b', 'c']), remove('b'));
  t.is(dead.health.short, RING_POINTS);
  const repair = rowAfter(
    ...four,
    place(0, ['a', 'b', 'c']),
    remove('b'),
    place(1, ['a', 'c'], ['d']),
  );
  t.is(repair.health.short, RING_POINTS);
  t.regex(pointsText(repair), /1,024 are under repair/);
  const few = rowAfter(admit('a'), place(0, ['a']));
  t.is(
    pointsText(few),
    'all 1,024 points have one copy of the 3 that are wanted: there are no more nodes',
  );
});

test('when nobody who holds a point lives, it is told whom it waits for', (t) => {
  const row = rowAfter(admit('a'), admit('b'), place(0, ['a']), remove('a'));
  t.is(row.health.lost, RING_POINTS);
  t.deepEqual(
    row.stores.map(({ store, address, awaited }) => [store, address, awaited]),
    [
      ['b', 'b:1', 0],
      ['a', null, RING_POINTS],
    ],
  );
  t.regex(pointsText(row), /1,024 wait for a node to come back .* a \(1,024\)$/);
  t.regex(pointsText(rowAfter(admit('a'))), /^0 of 1,024 points of the ring have a place/);
});
