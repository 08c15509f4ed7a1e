import test from 'ava';
import { type ProgressSnapshot, ProgressView, terminalOf } from '../../../src/cli/format/index.ts';
import { FakeClock, FakeScreen } from './helpers/fake-screen.ts';

const ENV = { NO_COLOR: '1', LANG: 'C.UTF-8' };

function at(elapsedMs: number, change: Partial<ProgressSnapshot['source']> = {}): ProgressSnapshot {
  return {
    elapsedMs,
    phase: 'running',
    source: {
      bytes: elapsedMs * 10,
      totalBytes: 100_000,
      tuples: elapsedMs,
      rate: 1000,
      ...change,
    },
    stages: [
      { name: 'pick', in: elapsedMs, out: 12, filtered: 1_234_567, lag: 3 },
      { name: 'count by key', in: 12, out: 12, filtered: 0, lag: 4 },
    ],
  };
}

function setUp(screen: FakeScreen, env: Record<string, string> = ENV) {
  const clock = new FakeClock();
  const terminal = () => terminalOf(screen, env);
  const view = new ProgressView({ title: 'signs', output: screen, terminal, clock });
  return { clock, view };
}

test('a terminal shows a bar, the rate, the lag, what is left, and a line per stage', (t) => {
  const screen = new FakeScreen(true);
  const { clock, view } = setUp(screen);
  view.update(at(0));
  clock.advance(5000);
  view.update(at(5000));
  t.deepEqual(screen.lines, [
    'signs  running  ████████████░░░░░░░░░░░░  50%  5,000 tuples  1,000/s  lag 7  ETA 5.0 s',
    '  pick          in 5,000  out 12  filtered 1,234,567  lag 3',
    '  count by key  in 12     out 12  filtered 0          lag 4',
    '',
  ]);
});

test('frames replace each other, at most ten a second, however many snapshots come', (t) => {
  const screen = new FakeScreen(true);
  const { clock, view } = setUp(screen);
  for (let ms = 1; ms <= 1000; ms++) {
    view.update(at(ms));
    clock.advance(1);
  }
  t.true(screen.writes.length >= 10 && screen.writes.length <= 11, `${screen.writes.length}`);
  t.is(screen.lines.length, 4);
  t.regex(screen.lines[0], / 1,000 tuples /);
});

test('nothing is drawn and no timer is kept while nothing happens', (t) => {
  const screen = new FakeScreen(true);
  const { clock, view } = setUp(screen);
  view.update(at(1));
  clock.advance(60_000);
  t.is(screen.writes.length, 1);
  t.is(clock.waiting, 0);
});

test('elsewhere there is one plain line every two seconds, and one at the end', (t) => {
  const screen = new FakeScreen(false);
  const { clock, view } = setUp(screen);
  for (let ms = 0; ms < 5000; ms += 100) {
    view.update(at(ms));
    clock.advance(100);
  }
  view.finish({ ...at(5000), phase: 'done' });
  t.is(screen.writes.length, 4);
  t.false(screen.all.includes('\x1b'));
  t.is(
    screen.lines[1],
    'signs: running, 19%, 1,900 tuples, 1,000/s, pick 1,900>12, count by key 12>12, lag 7, elapsed 1.9 s, ETA 8.1 s',
  );
  t.regex(screen.lines[3], /^signs: done, 50%, 5,000 tuples/);
});

test('the last frame stays on the screen and the view is silent afterwards', (t) => {
  const screen = new FakeScreen(true);
  const { clock, view } = setUp(screen);
  view.update(at(10));
  view.update(at(20));
  view.finish();
  t.is(clock.waiting, 0);
  const { length } = screen.writes;
  t.regex(screen.lines[0], / 20 tuples /, 'a waiting snapshot is drawn');
  view.update(at(30));
  view.finish(at(40));
  clock.advance(10_000);
  t.is(screen.writes.length, length);
  t.is(screen.lines.at(-1), '', 'what comes next begins on a line of its own');
});

test('no terminal mode is ever changed, so that even SIGKILL leaves the cursor visible', (t) => {
  const screen = new FakeScreen(true);
  const { clock, view } = setUp(screen, { LANG: 'C.UTF-8' });
  for (let i = 0; i < 50; i++) {
    view.update(at(i * 100));
    view.note(`note ${i}`);
    clock.advance(100);
  }
  view.finish();
  t.false(screen.all.includes('\x1b[?'), 'modes are set by ESC [ ?');
});

test('a note stays above the frame', (t) => {
  const screen = new FakeScreen(true);
  const { clock, view } = setUp(screen);
  view.note('resuming at line 7');
  view.update(at(100));
  view.note('task pick[1] was\x1b[31m restarted');
  clock.advance(200);
  view.update(at(300));
  t.is(screen.lines[0], 'resuming at line 7');
  t.is(screen.lines[1], 'task pick[1] was\\u001b[31m restarted');
  t.regex(screen.lines[2], /^signs {2}running .* 300 tuples/);
  t.is(screen.lines.length, 6);
});

test('no line is wider than the terminal, also after it became narrower', (t) => {
  for (const columns of [200, 100, 80, 40, 20]) {
    const screen = new FakeScreen(true, 200);
    const { clock, view } = setUp(screen);
    view.update(at(1));
    clock.advance(100);
    screen.columns = columns;
    view.update(at(2000));
    for (const line of screen.lines) t.true(line.length < columns, `${columns}: ${line}`);
  }
});

test('a source without an end shows bytes and no estimate', (t) => {
  const screen = new FakeScreen(true);
  const { clock, view } = setUp(screen);
  view.update(at(0, { totalBytes: null, bytes: 0 }));
  clock.advance(5000);
  view.update(at(5000, { totalBytes: null, bytes: 65_536 }));
  t.is(screen.lines[0], 'signs  running  64.0 KiB  5,000 tuples  1,000/s  lag 7  5.0 s');
});

test('a resumed job estimates from what this run read, and an empty source is complete', (t) => {
  const screen = new FakeScreen(true);
  const { clock, view } = setUp(screen);
  view.update(at(0, { bytes: 80_000 }));
  clock.advance(2000);
  view.update(at(2000, { bytes: 82_000 }));
  t.regex(screen.lines[0], / 82% .* ETA 18\.0 s$/);
  clock.advance(100);
  view.finish(at(2100, { bytes: 0, totalBytes: 0 }));
  t.regex(screen.lines[0], / 100% /);
});

test('a terminal without UTF-8 gets a bar of ASCII', (t) => {
  const screen = new FakeScreen(true);
  const { view } = setUp(screen, { NO_COLOR: '1', LANG: 'C' });
  view.update(at(5000));
  t.regex(screen.lines[0], /#{12}\.{12}/);
});

test('while a question is on the screen nothing is drawn, and the next frame is below it', (t) => {
  const screen = new FakeScreen(true);
  const { clock, view } = setUp(screen);
  view.update(at(0));
  view.hold(true);
  screen.write('well? ');
  const writes = screen.writes.length;
  view.update(at(5000));
  clock.advance(10_000);
  t.is(screen.writes.length, writes);
  t.is(clock.waiting, 0);
  screen.write('\n');
  view.hold(false);
  t.is(screen.lines[3], 'well?');
  t.regex(screen.lines[4], /^signs {2}running .* 5,000 tuples/);
  view.hold(true);
  screen.write('again? ');
  view.finish(at(9000));
  t.is(screen.lines[7], 'again?', 'the job may end first');
  t.regex(screen.lines[8], / 9,000 tuples /);
});
