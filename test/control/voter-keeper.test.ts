import test from 'ava';
import { type KeeperView, nextChange, type VoterNode } from '../../src/control/index.ts';
import { changed, MEMBERS_MAX, type Members, memberOf, votersOf } from '../../src/raft/index.ts';

/** `a b (c)`: voters a and b, learner c. */
function members(text: string): Members {
  return text.split(' ').map((word) => {
    const id = word.replace(/[()]/g, '');
    return { id, address: id, votes: !word.startsWith('(') };
  });
}

/** `a b* c!`: b died lately, c long ago. */
function nodes(text: string): Map<string, VoterNode> {
  const rows = text.split(' ').map((word): [string, VoterNode] => {
    const id = word.replace(/[*!]/, '');
    const deadSince = word.endsWith('!') ? 0 : word.endsWith('*') ? 950 : null;
    return [id, { id, address: id, deadSince }];
  });
  return new Map(rows);
}

function view(who: string, alive: string, more: Partial<KeeperView> = {}): KeeperView {
  return {
    members: members(who),
    self: 'a',
    nodes: nodes(alive),
    caughtUp: () => true,
    voters: 3,
    replaceAfterMs: 100,
    forgetAfterMs: 100,
    now: 1000,
    ...more,
  };
}

function next(who: string, alive: string, more: Partial<KeeperView> = {}): string {
  const change = nextChange(view(who, alive, more));
  return change === null ? '-' : `${change.kind} ${change.id}`;
}

test('voters become more two at a time, when both newcomers have caught up', (t) => {
  t.is(next('a', 'a'), '-');
  t.is(next('a', 'a b'), 'add b');
  t.is(next('a (b)', 'a b'), '-');
  t.is(next('a (b)', 'a b c'), 'add c');
  t.is(next('a (b) (c)', 'a b c', { caughtUp: (id) => id === 'c' }), '-');
  t.is(next('a (b) (c)', 'a b c'), 'promote b');
  t.is(next('a b (c)', 'a b c'), 'promote c');
  t.is(next('a b c (d) (e)', 'a b c d e'), '-');
  t.is(next('a b c (d) (e)', 'a b c d e', { voters: 5 }), 'promote d');
  t.is(next('a b c (d)', 'a b c d', { voters: 5 }), '-');
});

test('of five wanted, three vote as soon as three can, and one newcomer ends an even number', (t) => {
  const all = 'a b c d e';
  const ready = (ids: string) =>
    ({ voters: 5, caughtUp: (id: string) => ids.includes(id) }) as const;
  t.is(next('a (b) (c) (d) (e)', all, ready('c')), '-');
  t.is(next('a (b) (c) (d) (e)', all, ready('bc')), 'promote b');
  t.is(next('a b (c) (d) (e)', all, ready('e')), 'promote e');
  t.is(next('a b c (d) (e)', all, ready('e')), '-');
  t.is(next('a b c d (e)', all, ready('e')), 'promote e');
});

test('dead voters that nobody replaces are let go while three live, and not sooner', (t) => {
  const five = { voters: 5 } as const;
  t.is(next('a b c d e', 'a b c d* e*', five), '-');
  t.is(next('a b c d e', 'a b c d! e*', five), 'remove d');
  t.is(next('a b c d e', 'a b c d* e!', five), 'remove e');
  t.is(next('a b c e', 'a b c e*', five), 'remove e');
  t.is(next('a b c', 'a b c', five), '-');
  // With one of five dead as many more may die as with three.
  t.is(next('a b c d e', 'a b c d e*', five), '-');
  t.is(next('a b c d e', 'a b c d e!', five), 'remove e');
  t.is(next('a b c d', 'a b c d', five), 'remove d');
  // Somebody could take a place.
  t.is(next('a b c d e (f)', 'a b c d e! f', { ...five, caughtUp: () => false }), '-');
  t.is(next('a b c d e (f)', 'a b c d! e! f', { ...five, caughtUp: () => false }), 'remove d');
  t.is(next('a b c', 'a b c!', five), '-');
  t.is(next('a b c', 'a b! c!', five), '-');
});

test('the first that came vote, whatever their names', (t) => {
  t.is(next('a (b) (c) (d)', 'a d c b'), 'promote d');
  t.is(next('a (b) (c) (d)', 'a d c b', { caughtUp: (id) => id !== 'd' }), 'promote c');
});

test('every node learns, with or without a vote, in the order in which they came', (t) => {
  t.is(next('a b c', 'a b c e d'), 'add e');
  t.is(next('a b c (e)', 'a b c e d'), 'add d');
  t.is(next('a b c (d) (e)', 'a b c d e'), '-');
  t.is(next('a b c', 'a b c d*'), '-');
});

test('the members do not become more than the group can name', (t) => {
  const many = Array.from({ length: MEMBERS_MAX - 1 }, (_, i) => `(n${i})`).join(' ');
  const alive = many.replaceAll(/[()]/g, '');
  t.is(next(`a ${many}`, `a ${alive} z`, { voters: 1 }), '-');
  t.is(next(`a ${many}`, `a ${alive}! z`, { voters: 1 }), `remove n${MEMBERS_MAX - 2}`);
});

test('a voter that stays dead is replaced once somebody has caught up, and not before', (t) => {
  t.is(next('a b c', 'a b c!'), '-');
  t.is(next('a b c (d)', 'a b c* d'), '-');
  t.is(next('a b c', 'a b c! d'), 'add d');
  t.is(next('a b c (d)', 'a b c! d', { caughtUp: () => false }), '-');
  t.is(next('a b c (d)', 'a b c! d'), 'remove c');
  t.is(next('a b (d)', 'a b c! d'), 'promote d');
  t.is(next('a b c', 'a! b c'), '-');
});

test('dead learners go, surplus voters go, and a moved member is told to all', (t) => {
  t.is(next('a b c (d)', 'a b c d!'), 'remove d');
  t.is(next('a b c (d)', 'a b c d*'), '-');
  t.is(next('a b c d e', 'a b c d e'), 'remove e');
  t.is(next('a b c d e', 'a b c* d e'), 'remove c');
  const moved = nodes('a b c').set('b', { id: 'b', address: 'elsewhere', deadSince: null });
  const change = nextChange(view('a b c', 'a b c', { nodes: moved }));
  t.deepEqual(change, { kind: 'add', id: 'b', address: 'elsewhere' });
});

test('whatever dies, changes come to an end with as many voters as the living allow', (t) => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const cases = [1, 3, 5].flatMap((voters) => [
    { voters: voters as 1 | 3 | 5, begun: 'a b c' },
    { voters: voters as 1 | 3 | 5, begun: 'a b c d e' },
  ]);
  for (let dead = 0; dead < 1 << names.length; dead += 2) {
    for (const { voters, begun } of cases) {
      const alive = names.map((name, i) => (dead & (1 << i) ? `${name}!` : name)).join(' ');
      let now = members(begun);
      for (let steps = 0; ; steps++) {
        t.true(steps < 20, `${alive} ${voters}`);
        const change = nextChange(view('a', alive, { members: now, voters }));
        if (change === null) break;
        const after = changed(now, change) ?? now;
        t.not(after, now, 'a change that changes nothing');
        now = after;
      }
      const living = names.filter((_, i) => !(dead & (1 << i))).length;
      const voting = votersOf(now).filter(({ id }) => !(dead & (1 << names.indexOf(id)))).length;
      if (voters === 5) {
        // One more may die than of any other number of voters: none of them is dead for nothing.
        const odd = living % 2 === 0 ? living - 1 : living;
        t.is(votersOf(now).length, Math.max(3, Math.min(odd, voters)), `${alive} ${begun}`);
      }
      const missing = names
        .filter((_, i) => !(dead & (1 << i)))
        .filter((name) => !memberOf(now, name));
      t.deepEqual(missing, [], `${alive} ${voters}`);
      t.true(voting >= Math.min(living % 2 === 0 ? living - 1 : living, voters, 3), alive);
    }
  }
});
