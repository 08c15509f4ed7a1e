import {
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { until } from '../helpers/poll.ts';
import { rainstorm, startRainstorm } from '../helpers/processes.ts';
import { Place, range, same } from './helpers/place.ts';

const sink = { file: 'out.txt', format: 'value' };
const slow = { sources: ['in.txt'], stages: [same], sink, rate: 200 };
const quick = { sources: ['in.txt'], stages: [same], sink };
const text = range(0, 150)
  .map((i) => `line ${i}\n`)
  .join('');

/** Runs `words` and interrupts them when there is some output. */
async function interrupted(place: Place, words: readonly string[]): Promise<void> {
  const running = place.start(words);
  await place.untilLines(10);
  running.interrupt();
  await running.ended;
}

/** Bytes of a HyDFS file; 0 when there is none. */
async function length(place: Place, name: string): Promise<number> {
  const { code, stdout } = await place.run(['fs', 'stat', name, '--json']);
  return code === 0 ? (JSON.parse(stdout) as { length: number }).length : 0;
}

test.serial('a file that is there is no destination, unless it is to be replaced', async (t) => {
  const place = new Place(t);
  place.write('in.txt', text);
  place.write('out.txt', 'precious\n');
  const words = place.job(quick);
  const refused = await place.run(words);
  t.is(refused.code, 2);
  t.regex(
    refused.stderr,
    /^rainstorm: the destination \S+\/out\.txt exists already; give another one, or --overwrite to replace it\n$/,
  );
  t.is(place.text(), 'precious\n');
  t.deepEqual(await place.list('jobs'), []);
  await place.done(t, [...words, '--overwrite']);
  t.is(place.text(), text);
});

test.serial(
  'the same command after the end is refused, and does it anew when told to',
  async (t) => {
    const place = new Place(t);
    place.write('in.txt', text);
    for (const file of ['out.txt', 'hydfs:out']) {
      const words = place.job({ ...quick, name: 'again', sink: { ...sink, file } });
      const output = async (): Promise<string> =>
        file === 'out.txt' ? place.text() : (await place.run(['fs', 'cat', 'out'])).stdout;
      await place.done(t, words);
      const refused = await place.run(words);
      t.is(refused.code, 2, refused.stderr);
      t.regex(refused.stderr, /^rainstorm: the destination \S+ exists already; .*--overwrite.*\n$/);
      t.is(await output(), text);
      for (const flag of ['--overwrite', '--restart']) {
        t.notRegex(await place.done(t, [...words, flag]), /resumed/);
        t.is(await output(), text);
      }
    }
    t.is(
      (await place.list<unknown[]>('jobs')).length,
      1,
      'what ended jobs of the name kept is gone',
    );
  },
);

test.serial('a destination that the user took away is made again', async (t) => {
  const place = new Place(t);
  place.write('in.txt', text);
  const words = place.job(quick);
  await place.done(t, words);
  rmSync(place.path('out.txt'));
  await place.done(t, words);
  t.is(place.text(), text);
});

test.serial('an unfinished job goes on by its own command, begins anew by --restart', async (t) => {
  const place = new Place(t);
  place.write('in.txt', text);
  const words = place.job(slow);
  await interrupted(place, words);
  const before = place.text();
  t.true(text.startsWith(before));
  t.regex(await place.done(t, words), /job job \(\w{8}\) is resumed; reading goes on at in\.txt/);
  t.is(place.text(), text);

  const other = place.job({ ...slow, name: 'other', sink: { ...sink, file: 'other.txt' } });
  const running = place.start(other);
  await place.untilLines(10, 'other.txt');
  running.interrupt();
  await running.ended;
  place.write('in.txt', `new\n${text}`);
  const anew = await place.done(t, [...other, '--restart']);
  t.regex(anew, /job other \(\w{8}\) starts/);
  t.is(place.text('other.txt'), `new\n${text}`);
});

test.serial('a job whose source is gone is not resumed, and goes on when it is back', async (t) => {
  const place = new Place(t);
  place.write('in.txt', text);
  const words = place.job(slow);
  await interrupted(place, words);
  renameSync(place.path('in.txt'), place.path('away.txt'));
  const refused = await place.run(words);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /^rainstorm: the source \S+\/in\.txt does not exist; .*\n$/);
  const [view] = await place.list<{ state: string }[]>('jobs');
  t.is(view.state, 'suspended');
  renameSync(place.path('away.txt'), place.path('in.txt'));
  await place.done(t, words);
  t.is(place.text(), text);
});

test.serial(
  'an unfinished job whose description was changed is neither resumed nor lost',
  async (t) => {
    const place = new Place(t);
    place.write('in.txt', text);
    await interrupted(place, place.job(slow));
    const before = place.text();
    const changed = place.job({ ...slow, rate: 0 });
    const refused = await place.run(changed);
    t.is(refused.code, 2);
    t.regex(
      refused.stderr,
      /^rainstorm: a job named job \(\w{8}\) with other settings is unfinished .*--restart.*\n$/,
    );
    t.is(place.text(), before);
    await place.done(t, [...changed, '--restart']);
    t.is(place.text(), text);
  },
);

test.serial(
  'a job that failed by a mistake in its description begins anew with --restart',
  async (t) => {
    const place = new Place(t);
    place.write('in.txt', text);
    const wrong = { name: 'same', type: 'transform', run: 'project', args: ['no-column'] };
    const failed = await place.run(place.job({ ...quick, stages: [wrong] }));
    t.is(failed.code, 1);
    const corrected = place.job(quick);
    const refused = await place.run(corrected);
    t.is(refused.code, 2);
    t.regex(refused.stderr, /--restart/);
    await place.done(t, [...corrected, '--restart']);
    t.is(place.text(), text);
  },
);

test.serial(
  "another job's unfinished destination is not taken, and not given back when it was",
  async (t) => {
    const place = new Place(t);
    place.write('in.txt', text);
    for (const file of ['out.txt', 'hydfs:out']) {
      const first = place.job({ ...slow, name: 'first', sink: { ...sink, file } }, 'first.yaml');
      const running = place.start(first);
      if (file === 'out.txt') await place.untilLines(10);
      else await until(async () => (await length(place, 'out')) > 0, { what: 'output in HyDFS' });
      running.interrupt();
      await running.ended;
      if (file === 'out.txt') rmSync(place.path('out.txt'));
      const second = place.job(
        { ...quick, name: 'second', sink: { ...sink, file } },
        'second.yaml',
      );
      const refused = await place.run(second);
      t.is(refused.code, 2);
      t.regex(
        refused.stderr,
        /^rainstorm: the destination \S+ belongs to the unfinished job first \(\w{8}\); .*--overwrite\n$/,
      );
      await place.done(t, [...second, '--overwrite']);
      const back = await place.run(first);
      t.is(back.code, 2, back.stderr);
      t.regex(back.stderr, /^rainstorm: the destination \S+ exists already; /);
    }
    t.is(place.text(), text);
  },
);

test.serial('the positional form gives what the job file gives', async (t) => {
  const place = new Place(t);
  place.write('a b.txt', text);
  place.write('c.txt', 'x Street\n');
  const stages = [
    { name: 'one', type: 'filter', run: 'filter.py', args: ['--regex', 'Street|line 1'], tasks: 2 },
    { name: 'two', type: 'transform', run: 'identity.py', tasks: 2 },
  ];
  await place.done(t, place.job({ sources: ['a b.txt', 'c.txt'], stages }));
  const form = ['./rainstorm', '2', '2', 'filter.py', "--regex 'Street|line 1'", 'filter'];
  form.push('identity.py', 'none', 'transform', '2', 'a b.txt', 'c.txt', 'false', '0', '0', '0');
  for (const once of ['true', 'false']) {
    await place.done(t, [...form, `form-${once}.txt`, once]);
    t.deepEqual(place.lines(`form-${once}.txt`).sort(), place.lines().sort());
  }
  t.true(place.lines().length > 50);
});

test.serial('what cannot be a destination is refused before there is a job', async (t) => {
  const place = new Place(t);
  place.write('in.txt', text);
  mkdirSync(place.path('folder'));
  mkdirSync(place.path('real'));
  symlinkSync('real', place.path('alias'));
  symlinkSync('nowhere/file', place.path('dangling'));
  place.write('real/in.txt', text);
  linkSync(place.path('in.txt'), place.path('hard'));
  const cannot = (name: string, why: string): RegExp =>
    new RegExp(`^rainstorm: the destination \\S*${name} cannot be written \\(${why}\\); .*\\n$`);
  const refusals: readonly (readonly [file: string, says: RegExp])[] = [
    ['missing/out.txt', cannot('/missing/out.txt', 'ENOENT.*')],
    ['folder', cannot('/folder', 'it is a directory')],
    ['out/', cannot('/out/', '.*')],
    ['/dev/null', cannot('/dev/null', 'it is not a regular file')],
    ['in.txt/out', cannot('/in.txt/out', 'ENOTDIR.*')],
    ['dangling', cannot('/dangling', 'it is a link that leads nowhere')],
    ['x'.repeat(300), cannot('/x+', 'ENAMETOOLONG.*')],
    ['hard', /^rainstorm: the destination is also the source in\.txt; give another destination\n$/],
    ['alias/in.txt', /^rainstorm: the destination is also the source real\/in\.txt; .*\n$/],
  ];
  const before = place.files();
  for (const [file, says] of refusals) {
    for (const flags of [[], ['--overwrite']]) {
      const words = place.job({ ...quick, sources: ['in.txt', 'real/in.txt'], sink: { file } });
      const { code, stderr } = await place.run([...words, ...flags]);
      t.is(code, 2, stderr);
      t.regex(stderr, says);
    }
  }
  t.deepEqual(await place.list('jobs'), []);
  t.deepEqual(place.files(), [...before, 'job.yaml'].sort());
  t.is(place.text('in.txt'), text);
  t.is(place.text('real/in.txt'), text);
});

test.serial(
  'a second process is refused with the pid of the first, and changes nothing',
  async (t) => {
    const place = new Place(t);
    place.write('in.txt', text);
    const follow = place.job({ ...quick, sources: [{ file: 'in.txt', follow: true }] });
    const first = startRainstorm(t, follow, { cwd: place.dir });
    await place.untilLines(150);
    const words = place.job({ ...quick, name: 'second', sink: { file: 'two.txt' } }, 'second.yaml');
    const second = await rainstorm(t, words, { cwd: place.dir });
    t.is(second.code, 3, second.stderr);
    t.is(
      second.stderr,
      `rainstorm: the data directory ${place.path('.rainstorm')} is in use by process ${first.pid}; stop that process or give another --data\n`,
    );
    t.false(existsSync(place.path('two.txt')));
    t.is((await first.kill('SIGINT')).code, 0);
    t.is(place.text(), text);
  },
);

test.serial('a data directory that cannot be one is refused by its name', async (t) => {
  const place = new Place(t);
  place.write('in.txt', text);
  writeFileSync(place.path('file'), '');
  const words = place.job(quick);
  for (const data of ['file', 'file/below', '/proc/nothing', '/dev/null']) {
    const { code, stderr } = await place.run([...words, '--data', data]);
    t.is(code, 3, stderr);
    const name = data.startsWith('/') ? data : join(place.dir, data);
    t.true(stderr.startsWith(`rainstorm: the data directory ${name} cannot be used (`), stderr);
    t.regex(stderr, /^[^\n]+; make it a directory .*, or give another --data\n$/);
  }
  t.deepEqual(place.files(), ['file', 'in.txt', 'job.yaml']);
});
