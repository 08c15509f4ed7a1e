import test from 'ava';
import type { JobState } from '../../src/control/index.ts';
import type { JobView } from '../../src/leader/index.ts';
import { Watchers } from '../../src/leader/watchers.ts';
import { ManualClock } from './helpers/manual-clock.ts';

test('changes make no views but the one that is shown', async (t) => {
  let state: JobState = 'running';
  let views = 0;
  const base = { job: 'j', name: 'signs', reason: null, fingerprint: 'f', submittedAt: 0 };
  const view = (): JobView => {
    views += 1;
    return { ...base, state, startedAt: 0, endedAt: null, stages: [], events: [] };
  };
  const watchers = new Watchers(new ManualClock(), { view, state: () => state });
  const resting = watchers.whenResting('j');
  for (let i = 0; i < 100; i++) {
    watchers.changed('j');
    await null;
  }
  t.is(views, 0);
  state = 'finished';
  watchers.changed('j');
  t.is((await resting).state, 'finished');
  t.is(views, 1);
});
