import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { until } from '../helpers/poll.ts';
import { rainstorm, startRainstorm } from '../helpers/processes.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { command, shell } from './helpers.ts';

test('a file is made, grown from a path and from stdin, listed, read in part, fetched and removed', async (t) => {
  const cwd = tmpDir(t);
  writeFileSync(join(cwd, 'first.txt'), 'one\ntwo\n');
  const says = async (line: string, stdin?: string): Promise<string> => {
    const { code, stdout, stderr } = await command(cwd, line.split(' '), { stdin });
    t.is(code, 0, stderr);
    return stdout;
  };
  t.regex(await says('fs create notes/a.txt'), /^created notes\/a\.txt \(file id \d+\)\n$/);
  await says('fs append notes/a.txt first.txt');
  t.is(
    await says('fs append notes/a.txt', 'three\n'),
    'appended 6 bytes to notes/a.txt, which has 14 now\n',
  );
  t.is(await says('fs cat notes/a.txt'), 'one\ntwo\nthree\n');
  t.is(await says('fs cat notes/a.txt --from 4 --to 7'), 'two');
  await says('fs get notes/a.txt');
  t.is(readFileSync(join(cwd, 'a.txt'), 'utf8'), 'one\ntwo\nthree\n');
  t.like(JSON.parse(await says('fs stat notes/a.txt --json')), { length: 14, trimmedTo: 0 });
  const listed = JSON.parse(await says('fs ls notes/ --json'));
  t.deepEqual(
    listed.map(({ name, writers }: Record<string, unknown>) => [name, writers]),
    [['notes/a.txt', 0]],
  );
  t.regex(await says('fs store'), /^FILE ID +NAME +BYTES +ON\n +\d+ +notes\/a\.txt +14 +local\n$/);
  await says('fs rm notes/a.txt');
  t.is(await says('fs ls'), '');
});

test('what fetching finds is replaced only when told so, and never half', async (t) => {
  const cwd = tmpDir(t);
  writeFileSync(join(cwd, 'mine.txt'), 'precious\n');
  await command(cwd, ['fs', 'create', 'a']);
  await command(cwd, ['fs', 'append', 'a'], { stdin: 'new\n' });
  const refused = await command(cwd, ['fs', 'get', 'a', 'mine.txt']);
  t.is(refused.code, 2);
  t.regex(
    refused.stderr,
    /^rainstorm: the destination .*mine\.txt exists already; .*--overwrite.*\n$/,
  );
  t.is(readFileSync(join(cwd, 'mine.txt'), 'utf8'), 'precious\n');
  const replaced = await command(cwd, ['fs', 'get', 'a', 'mine.txt', '--overwrite']);
  t.is(replaced.code, 0, replaced.stderr);
  t.is(readFileSync(join(cwd, 'mine.txt'), 'utf8'), 'new\n');
  const missing = await command(cwd, ['fs', 'get', 'b', 'there.txt']);
  t.is(missing.code, 1);
  t.regex(missing.stderr, /^rainstorm: there is no file b; create it first, .*\n$/);
  t.deepEqual(readdirSync(cwd).sort(), ['.rainstorm', 'mine.txt']);
});

test.serial(
  'the end of a file is shown and followed until Ctrl-C, while another process appends',
  async (t) => {
    const cwd = tmpDir(t);
    await command(cwd, ['fs', 'create', 'log']);
    await command(cwd, ['fs', 'append', 'log'], { stdin: '1\n2\n3\n4\n' });
    const tail = startRainstorm(t, ['fs', 'tail', 'log', '--lines', '2'], { cwd });
    await until(() => tail.stdout() === '3\n4\n', { what: 'the last two lines' });
    const appended = await command(cwd, ['fs', 'append', 'log', '-'], { stdin: '5\n' });
    t.is(appended.code, 0, appended.stderr);
    t.is((await command(cwd, ['fs', 'cat', 'log'])).stdout, '1\n2\n3\n4\n5\n');
    await until(() => tail.stdout() === '3\n4\n5\n', { what: 'what was appended' });
    const follower = startRainstorm(t, ['fs', 'tail', 'log', '--from', '8'], { cwd });
    await until(() => follower.stdout() === '5\n', { what: 'the file from byte 8' });
    t.is((await follower.kill('SIGINT')).code, 0);
    const ended = await tail.kill('SIGINT');
    t.is(ended.code, 0);
    t.is(ended.stderr, '');
  },
);

test.serial('a reader that leaves ends a long output quietly', async (t) => {
  const cwd = tmpDir(t);
  writeFileSync(join(cwd, 'big.txt'), 'a line of some length\n'.repeat(400_000));
  await command(cwd, ['fs', 'create', 'big']);
  await command(cwd, ['fs', 'append', 'big', 'big.txt']);
  const steps = await shell(
    t,
    cwd,
    `rainstorm fs cat big | head -1
    echo "codes \${PIPESTATUS[*]}"
    rainstorm fs tail big --from 0 | head -1
    echo "codes \${PIPESTATUS[*]}"`,
  );
  t.is(steps.stderr, '');
  t.regex(steps.stdout, /^a line of some length\ncodes 0 0\na line of some length\ncodes 0 0\n$/);
});

test.serial('an output that cannot be written is an error', async (t) => {
  const cwd = tmpDir(t);
  await command(cwd, ['fs', 'create', 'a']);
  const ended = await shell(t, cwd, 'rainstorm fs ls > /dev/full');
  t.is(ended.code, 1);
  t.regex(ended.stderr, /^rainstorm: no space left while writing standard output; .*\n$/);
});

test.serial('commands at the same time on a directory that nobody owns all succeed', async (t) => {
  const cwd = tmpDir(t);
  await command(cwd, ['fs', 'create', 'a']);
  const all = await Promise.all(
    Array.from({ length: 3 }, () => rainstorm(t, ['fs', 'ls', '--json'], { cwd })),
  );
  for (const { code, stderr, stdout } of all) {
    t.is(code, 0, stderr);
    t.is(JSON.parse(stdout).length, 1);
  }
});
