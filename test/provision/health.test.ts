import test from 'ava';
import { readView, troubles, type View } from '../../src/provision/health.ts';

function view(name: string, alive: readonly string[], leader: string | null = 'a:1'): View {
  const members = ['a', 'b', 'c'].map((each) => ({
    id: `${each}:1#boot`,
    address: `${each}:1`,
    status: alive.includes(each) ? 'alive' : 'suspect',
    isSelf: each === name,
  }));
  return readView(name, JSON.stringify(members), JSON.stringify({ leader, term: 1 }));
}

test('a cluster is whole when every node lists every other as alive and knows a leader', (t) => {
  const all = ['a', 'b', 'c'];
  t.deepEqual(troubles([view('a', all), view('b', all), view('c', all)]), []);
  t.deepEqual(troubles([view('a', all), view('b', ['b', 'c']), view('c', all)]), [
    'b does not list a as alive',
  ]);
  t.deepEqual(troubles([view('a', all), view('b', all, null), view('c', all)]), [
    'b knows of no leader',
  ]);
});

test('an earlier start of a node does not stand for the one that runs', (t) => {
  const rows = (boot: string): string =>
    JSON.stringify([
      { id: 'a:1#new', address: 'a:1', status: 'alive', isSelf: boot === 'a' },
      {
        id: boot === 'a' ? 'b:1#new' : 'b:1#old',
        address: 'b:1',
        status: 'alive',
        isSelf: boot !== 'a',
      },
    ]);
  const leader = '{"leader":"a:1"}';
  const views = [readView('a', rows('a'), leader), readView('b', rows('b'), leader)];
  t.deepEqual(troubles(views), ['a does not list b as alive']);
});

test('a node whose answer cannot be read is not healthy', (t) => {
  t.regex(troubles([readView('a', 'oops', '{}')]).join(), /a does not answer/);
  t.regex(troubles([readView('a', '[]', '{}')]).join(), /a does not answer/);
});
