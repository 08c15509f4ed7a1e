import test from 'ava';
import fc from 'fast-check';
import { Blame } from '../../src/operator/blame.ts';

interface World {
  readonly poisons: ReadonlySet<number>;
  /** Deaths by accident, as the n-th send; how many answers of a dying process are lost. */
  readonly accidents: ReadonlySet<number>;
  readonly lost: number;
  readonly exact: boolean;
}

/** Runs `count` inputs through processes that die at poisons; returns the inputs given up. */
function simulate(
  count: number,
  world: World,
  blame = new Blame(3),
): { dead: number[]; deaths: number } {
  const dead: number[] = [];
  let [answered, deaths, sends] = [0, 0, 0];
  const skip = (place: number): number => (dead.includes(place) ? skip(place + 1) : place);
  while (answered < count) {
    answered = skip(answered);
    let sent = answered;
    for (;;) {
      const place = skip(sent);
      const n = Math.min(blame.allowance(place, answered), count - place);
      if (n <= 0) break;
      sent = place + n;
    }
    if (sent === answered) break;
    sends += 1;
    const poison = [...world.poisons].filter((p) => p >= answered && p < sent && !dead.includes(p));
    const culprit = poison.length === 0 ? sent : Math.min(...poison);
    if (culprit === sent && !world.accidents.has(sends)) {
      answered = sent;
      blame.cleared(answered);
      continue;
    }
    deaths += 1;
    const exact = world.exact && culprit < sent;
    answered = exact ? culprit : Math.max(answered, Math.min(culprit, sent - 1) - world.lost);
    answered = skip(answered);
    if (blame.died({ first: answered, end: sent, exact }) === 'dead') dead.push(answered);
  }
  return { dead, deaths };
}

test('exactly the poisons are given up, whatever is lost and whatever dies by accident', (t) => {
  let found = 0;
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(199), { maxLength: 8 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 2 }),
      fc.nat(50),
      fc.boolean(),
      (poisons, accidents, lost, exact) => {
        const world = { poisons: new Set(poisons), accidents: new Set(accidents), lost, exact };
        const { dead } = simulate(200, world);
        t.deepEqual(
          [...dead].sort((a, b) => a - b),
          [...poisons].sort((a, b) => a - b),
        );
        found += dead.length;
      },
    ),
    { numRuns: 300, seed: 7 },
  );
  t.true(found > 100);
});

test('planted bug: convicting the first unanswered at once convicts the innocent', (t) => {
  class Hasty extends Blame {
    override died(): 'retry' | 'dead' {
      return 'dead';
    }
  }
  const world = { poisons: new Set([120]), accidents: new Set<number>(), lost: 40, exact: false };
  t.deepEqual(simulate(200, world).dead, [120]);
  t.notDeepEqual(simulate(200, world, new Hasty(3)).dead, [120]);
});

test('an accident among many inputs costs few round trips', (t) => {
  const world = { poisons: new Set<number>(), accidents: new Set([2]), lost: 1000, exact: false };
  const { dead, deaths } = simulate(10_000, world);
  t.deepEqual(dead, []);
  t.is(deaths, 1);
});
