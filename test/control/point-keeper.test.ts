import test from 'ava';
import fc from 'fast-check';
import {
  nextPoints,
  type PointPlan,
  type PointsView,
  pointConfigs,
} from '../../src/control/index.ts';
import { RING_POINTS } from '../../src/plan/index.ts';
import { firstSuccessors, PointsWorld } from './helpers/points-world.ts';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

function worldOf(...stores: string[]): PointsWorld {
  const world = new PointsWorld();
  for (const store of stores) world.come(store);
  world.settle();
  world.moves = 0;
  return world;
}

/** How many (point, store) pairs are of the second placement and not of the first. */
function difference(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): number {
  let moved = 0;
  for (let point = 0; point < RING_POINTS; point++) {
    const old = firstSuccessors(before, point, 3);
    moved += firstSuccessors(after, point, 3).filter((store) => !old.includes(store)).length;
  }
  return moved;
}

type Event =
  | { readonly kind: 'come'; readonly store: string }
  | { readonly kind: 'go'; readonly store: string }
  | { readonly kind: 'look'; readonly rested: boolean; readonly calm: boolean }
  | { readonly kind: 'fill'; readonly every: number }
  | { readonly kind: 'unfit'; readonly store: string; readonly point: number };

const store = fc.constantFrom(...names);
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constant('come' as const), store }),
  fc.record({ kind: fc.constant('go' as const), store }),
  fc.record({ kind: fc.constant('look' as const), rested: fc.boolean(), calm: fc.boolean() }),
  fc.record({ kind: fc.constant('fill' as const), every: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('unfit' as const), store, point: fc.nat(RING_POINTS - 1) }),
);

function live(world: PointsWorld, each: Event): void {
  if (each.kind === 'come') world.come(each.store);
  else if (each.kind === 'go') world.go(each.store);
  else if (each.kind === 'fill') world.fill((point) => point % each.every === 0);
  else if (each.kind === 'look') {
    world.rested = each.rested;
    world.calm = each.calm;
    world.keep();
  } else {
    const version = world.config(each.point)?.version ?? 0;
    const { store: of, point } = each;
    world.decide({ kind: 'hydfs-unfit', store: of, point, version, reason: '' });
  }
}

/** What is wrong with a life of `events`, or null. */
function lifeOf(events: readonly Event[], next: typeof nextPoints = nextPoints): string | null {
  const world = new PointsWorld(next);
  for (const store of names.slice(0, 4)) world.come(store);
  world.keep();
  for (const each of events) live(world, each);
  for (const store of names.slice(0, 4)) world.come(store);
  world.settle();
  return world.broken ?? world.unsettled();
}

const life = fc.array(event, { minLength: 15, maxLength: 30 });

test('whatever comes and goes, points come to rest at their first successors', (t) => {
  fc.assert(
    fc.property(life, (events) => {
      const wrong = lifeOf(events);
      if (wrong !== null) throw new Error(wrong);
    }),
    { numRuns: 20, seed: 3 },
  );
  t.pass();
});

test('a store that comes takes its points from others and nothing else moves', (t) => {
  for (const newcomer of ['e', 'f', 'g']) {
    const world = worldOf('a', 'b', 'c', 'd');
    const before = new Map(world.living);
    world.come(newcomer);
    world.settle();
    t.is(world.broken ?? world.unsettled(), null);
    t.is(world.moves, difference(before, world.living));
    t.log(`${world.moves} of ${3 * RING_POINTS}`);
  }
});

test('when a store goes, its points are filled at the next successors and nowhere else', (t) => {
  const world = worldOf('a', 'b', 'c', 'd', 'e', 'f');
  const before = new Map(world.living);
  world.go('b');
  world.settle();
  t.is(world.broken ?? world.unsettled(), null);
  t.is(world.moves, difference(before, world.living));
});

test('of several stores that come together, each point moves once', (t) => {
  const world = worldOf('a', 'b', 'c');
  const before = new Map(world.living);
  for (const newcomer of ['d', 'e', 'f']) {
    world.come(newcomer);
    world.rested = false;
    t.false(world.keep(), 'nobody is filled before the ring rests');
  }
  world.settle();
  t.is(world.broken ?? world.unsettled(), null);
  t.is(world.moves, difference(before, world.living));
});

test('the dead go before the ring rests, and what they held is filled elsewhere at once', (t) => {
  const world = worldOf('a', 'b', 'c', 'd', 'e', 'f');
  world.rested = false;
  world.go('a');
  t.true(world.keep());
  for (let point = 0; point < RING_POINTS; point++) {
    const { replicas = [], joining = [] } = world.config(point) ?? {};
    t.false(replicas.includes('a'));
    t.is(replicas.length + joining.length, 3);
  }
  const [filled] = [...pointConfigs(world.state.hydfs.points)].flatMap((each) => each.joining);
  world.go(filled);
  t.true(world.keep(), 'the one that was being filled has died as well');
  for (let point = 0; point < RING_POINTS; point++) {
    const { replicas = [], joining = [] } = world.config(point) ?? {};
    t.is(new Set([...replicas, ...joining]).size, 3);
    t.false([...replicas, ...joining].includes(filled));
  }
  world.settle();
  t.is(world.broken ?? world.unsettled(), null);
});

test('a point without all its copies waits for rest, one with all of them for calm', (t) => {
  const few = worldOf('a', 'b');
  const many = worldOf('a', 'b', 'c', 'd');
  for (const world of [few, many]) {
    world.come('e');
    world.rested = false;
    t.false(world.keep());
    world.rested = true;
    world.calm = false;
    t.is(world.keep(), world === few);
    world.settle();
    t.is(world.broken ?? world.unsettled(), null);
  }
  t.true(many.moves > 0);
});

test('when all replicas of a point have died, it waits for them', (t) => {
  const world = worldOf('a', 'b', 'c');
  for (const each of ['a', 'b', 'c']) world.go(each);
  world.come('d');
  world.come('e');
  world.settle();
  t.deepEqual(world.config(7)?.replicas.toSorted(), ['a', 'b', 'c']);
  world.come('c');
  world.settle();
  t.is(world.broken ?? world.unsettled(), null);
});

test('a fresh point is at its first successors at once, and waits for nobody', (t) => {
  const world = new PointsWorld();
  world.fresh = true;
  for (const each of ['a', 'b']) world.come(each);
  world.keep();
  world.use([9]);
  for (const each of ['c', 'd', 'e']) world.come(each);
  world.go('a');
  world.go('b');
  world.rested = false;
  t.false(world.keep(), 'nobody new comes before the ring has rested');
  world.rested = true;
  world.keep();
  t.deepEqual(world.config(9)?.replicas.toSorted(), ['a', 'b'], 'files may be there');
  t.is(world.moves, 0);
  world.come('a');
  world.settle();
  t.is(world.broken ?? world.unsettled(), null);
});

test('the dead of a fresh point go before the ring rests', (t) => {
  const world = new PointsWorld();
  world.fresh = true;
  for (const each of ['a', 'b', 'c']) world.come(each);
  world.keep();
  world.go('a');
  world.rested = false;
  t.true(world.keep());
  t.deepEqual(world.config(9)?.replicas.toSorted(), ['b', 'c']);
});

test('a store that is back before anybody looked has kept its place', (t) => {
  const world = worldOf('a', 'b', 'c', 'd');
  const { hydfs } = world.state;
  world.go('b');
  world.come('b');
  world.settle();
  t.is(world.state.hydfs, hydfs);
});

test('a store that fails at a point is replaced there and nowhere else, until it may try again', (t) => {
  const world = worldOf('a', 'b', 'c', 'd');
  const [first, second, third] = world.config(9)?.replicas ?? [];
  const version = world.config(9)?.version ?? 0;
  world.failed.add(`9 ${second}`);
  world.decide({ kind: 'hydfs-unfit', store: second, point: 9, version, reason: '' });
  world.settle();
  const fourth = ['a', 'b', 'c', 'd'].find((each) => ![first, second, third].includes(each));
  t.deepEqual(world.config(9)?.replicas, [first, third, fourth]);
  t.is(world.moves, 1);
  world.failed.clear();
  world.settle();
  t.deepEqual(world.config(9)?.replicas, [first, second, third]);
});

test('more copies are filled together, fewer go at once', (t) => {
  const world = worldOf('a', 'b', 'c', 'd', 'e');
  world.decide({ kind: 'hydfs-copies', copies: 5 });
  world.keep();
  t.is(world.config(3)?.joining.length, 2);
  world.settle();
  t.is(world.unsettled(), null);
  world.decide({ kind: 'hydfs-copies', copies: 1 });
  world.settle();
  t.is(world.broken ?? world.unsettled(), null);
});

test('a look at points that are at rest wants nothing', (t) => {
  const world = worldOf(...Array.from({ length: 64 }, (_, i) => `node-${i}`));
  t.is(world.unsettled(), null);
  const looks = 20;
  const began = process.cpuUsage();
  for (let i = 0; i < looks; i++) t.false(world.keep());
  const { user } = process.cpuUsage(began);
  t.log(`${(user / 1000 / looks).toFixed(2)} ms of CPU for 64 stores`);
});

/** Variants of the keeper with a bug, and what must notice. */
const planted: readonly (readonly [bug: string, next: typeof nextPoints, notice: RegExp])[] = [
  [
    'makes replicas of stores that nobody filled',
    (view) =>
      bent(view, ({ replicas, joining, ...plan }) => {
        return { ...plan, replicas: [...replicas, ...joining], joining: [] };
      }),
    /a plan had no effect|does not come to rest/,
  ],
  [
    'never moves the primary',
    (view) => bent(view, ({ replicas, ...plan }) => ({ ...plan, replicas: replicas.toSorted() })),
    /does not come to rest/,
  ],
  [
    'fills nobody',
    (view) => bent(view, (plan) => ({ ...plan, joining: [] })),
    /is at|does not come to rest/,
  ],
  [
    'fills everybody',
    (view) =>
      bent(view, (plan) => {
        const others = [...view.stores.keys()].filter((each) => !plan.replicas.includes(each));
        return { ...plan, joining: plan.joining.length === 0 ? [] : others };
      }),
    /too many/,
  ],
];

function bent(view: PointsView, change: (plan: PointPlan) => PointPlan): PointPlan[] {
  return nextPoints(view).map(change);
}

for (const [bug, next, notice] of planted) {
  test(`lives notice a keeper that ${bug}`, (t) => {
    const lives = fc.sample(life, { numRuns: 2, seed: 5 });
    const found = lives.map((events) => lifeOf(events, next));
    t.true(
      found.some((wrong) => wrong !== null && notice.test(wrong)),
      found.join(', '),
    );
  });
}

test('a keeper of some points leaves the others alone', (t) => {
  const world = worldOf('a', 'b', 'c');
  world.come('d');
  const view = { hydfs: world.state.hydfs, stores: world.living, rested: true, calm: true };
  const all = nextPoints({ ...view, resting: () => false }).map(({ point }) => point);
  const points = [all[3], all[0]];
  const some = nextPoints({ ...view, resting: () => false, points });
  t.deepEqual(
    some.map(({ point }) => point),
    points,
  );
});
