import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { Place, range, same } from './helpers/place.ts';

const sink = { file: 'out.txt', format: 'value' };

function followJob(place: Place): string[] {
  return place.job({ sources: [{ file: 'in.txt', follow: true }], stages: [same], sink });
}

test.serial(
  'a file that grows is followed line by line; half a line waits for its other half',
  async (t) => {
    const place = new Place(t);
    const path = place.write('in.txt', 'zero\none\nha');
    const running = place.start(followJob(place));
    await place.untilLines(2);
    appendFileSync(path, 'lf\r');
    appendFileSync(path, '\ncarriage\rreturn\r');
    await place.untilLines(3);
    appendFileSync(path, '\n\nunfinished');
    await place.untilLines(5);
    const stopped = await place.run(['stop', 'job']);
    t.is(stopped.code, 0, stopped.stderr);
    t.regex(stopped.stdout, /^job job \(\w{8}\) is stopped: 5 tuples in, 5 out\n$/);
    const { code, stderr } = await running.ended;
    t.is(code, 0, stderr);
    t.regex(stderr, /\njob was stopped\n/);
    t.is(place.text(), 'zero\none\nhalf\ncarriage\rreturn\n\n');
  },
);

test.serial('Ctrl-C rests a followed job, and the same command goes on where it was', async (t) => {
  const place = new Place(t);
  const path = place.write('in.txt', '');
  const words = followJob(place);
  const text = (from: number, to: number): string =>
    range(from, to)
      .map((i) => `line ${i}\n`)
      .join('');
  for (const round of range(0, 3)) {
    appendFileSync(path, text(20 * round, 20 * round + 10)); // while nobody reads
    const running = place.start(words);
    await place.untilLines(20 * round + 10);
    appendFileSync(path, text(20 * round + 10, 20 * round + 20));
    await place.untilLines(20 * round + 20);
    running.interrupt();
    const { code, stderr } = await running.ended;
    t.is(code, 0, stderr);
    if (round > 0)
      t.regex(stderr, /job job \(\w{8}\) is resumed; reading goes on at in\.txt line \d+\n/);
    t.regex(stderr, /stopping: what is in flight is being committed \(again to leave at once\)\n/);
    t.regex(stderr, /run the same command again to go on from here\n$/);
    t.is(place.text(), text(0, 20 * round + 20));
  }
  const [job] = await place.list<{ state: string }[]>('jobs');
  t.is(job.state, 'suspended');
});

test.serial(
  'Ctrl-C in the middle of a finite source leaves with 130 and loses nothing',
  async (t) => {
    const place = new Place(t);
    const text = range(0, 300)
      .map((i) => `line ${i}\n`)
      .join('');
    place.write('in.txt', text);
    const words = place.job({ sources: ['in.txt'], rate: 150, stages: [same], sink });
    const running = place.start(words);
    await place.untilLines(30);
    running.interrupt();
    const first = await running.ended;
    t.is(first.code, 130, first.stderr);
    t.true(place.lines().length < 300);
    t.regex(await place.done(t, words), /is resumed; reading goes on at in\.txt line \d+\n/);
    t.is(place.text(), text);
  },
);

test.serial(
  'a followed file that is cut, replaced or removed is told, not waited for',
  async (t) => {
    const changes: readonly (readonly [RegExp, (path: string) => void])[] = [
      [/it shrank from 8 to 4 bytes/, (path) => truncateSync(path, 4)],
      [
        /another file has taken its place/,
        (path) => {
          renameSync(path, `${path}.1`);
          writeFileSync(path, 'one\ntwo\nthree\n');
        },
      ],
      [/it is gone/, (path) => rmSync(path)],
    ];
    for (const [how, change] of changes) {
      const place = new Place(t);
      const path = place.write('in.txt', 'one\ntwo\n');
      const running = place.start(followJob(place));
      await place.untilLines(2);
      change(path);
      const { code, stderr } = await running.ended;
      t.is(code, 1);
      t.regex(stderr, /rainstorm: the job job failed: .*the source .*in\.txt changed while .*\n$/);
      t.regex(stderr, how);
    }
  },
);

test.serial(
  'what was read of a followed file may not be different when the job goes on',
  async (t) => {
    const place = new Place(t);
    const path = place.write('in.txt', 'one\ntwo\n');
    const words = followJob(place);
    const running = place.start(words);
    await place.untilLines(2);
    running.interrupt();
    await running.ended;
    writeFileSync(path, 'one\nTWO\nthree\n');
    const { code, stderr } = await place.run(words);
    t.is(code, 1);
    t.regex(
      stderr,
      /in\.txt changed while the job was reading it: what was already read is different now; /,
    );
    t.regex(stderr, /or begin anew with --restart\n$/);
    const anew = place.start([...words, '--restart']);
    await place.untilLines(3);
    anew.interrupt();
    await anew.ended;
    t.is(place.text(), 'one\nTWO\nthree\n');
  },
);
