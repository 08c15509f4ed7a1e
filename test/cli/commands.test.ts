import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { command, shell } from './helpers.ts';

const mistakes: readonly (readonly [words: string, code: number, says: RegExp])[] = [
  ['jobs', 3, /there is no data directory .*; give the one of your job with --data/],
  ['jobs now', 2, /usage: rainstorm jobs/],
  ['tasks --overwrite', 2, /--overwrite is not an option of rainstorm tasks/],
  ['tasks --jsn', 2, /there is no option --jsn, did you mean --json\?/],
  ['verify', 2, /usage: rainstorm verify JOB/],
  [
    'fs',
    2,
    /fs needs one of: create, append, ls, store, stat, rm, get, cat, tail, merge, get-from-replica, multi-append/,
  ],
  ['fs cat', 2, /usage: rainstorm fs cat NAME/],
  ['fs cat a --from 5 --to 2', 2, /--from 5 is behind --to 2/],
  ['fs tail a --lines many', 2, /--lines takes a whole number/],
  ['frobnicate', 2, /there is no command frobnicate/],
  ['op check no-such-script.py', 1, /the operator no-such-script\.py was not found/],
];

for (const [words, code, says] of mistakes) {
  test(`a mistake is one sentence and changes nothing: rainstorm ${words}`, async (t) => {
    const cwd = tmpDir(t);
    const ended = await command(cwd, words.split(' '));
    t.is(ended.code, code, ended.stderr);
    t.regex(ended.stderr, says);
    t.regex(ended.stderr, /^rainstorm: [^\n]+\n$/);
    t.is(ended.stdout, '');
    t.false(existsSync(join(cwd, '.rainstorm')));
  });
}

test('what does not exist is named', async (t) => {
  const cwd = tmpDir(t);
  await command(cwd, ['fs', 'create', 'a']);
  const unknown = await command(cwd, ['verify', 'nobody']);
  t.is(unknown.code, 2);
  t.regex(unknown.stderr, /^rainstorm: there is no job nobody; /);
  const twice = await command(cwd, ['fs', 'create', 'a']);
  t.is(twice.code, 1);
  t.regex(twice.stderr, /^rainstorm: the file a exists already; /);
  const unreadable = await command(cwd, ['fs', 'append', 'a', 'nowhere.txt']);
  t.is(unreadable.code, 2);
  t.regex(unreadable.stderr, /^rainstorm: the source .*nowhere\.txt cannot be read /);
  const invalid = await command(cwd, ['fs', 'create', '../a']);
  t.is(invalid.code, 2);
  t.regex(invalid.stderr, /^rainstorm: the file name "\.\.\/a" is not valid: /);
  const expression = await command(cwd, ['logs', 'nobody', '--grep', '(']);
  t.is(expression.code, 2);
  t.regex(expression.stderr, /--grep \( is no regular expression/);
  const none = await command(cwd, ['jobs']);
  t.is(none.code, 0);
  t.is(none.stderr, 'no jobs here yet\n');
  t.is((await command(cwd, ['jobs', '--json'])).stdout, '[]\n');
});

test('each command has a page of help', async (t) => {
  const cwd = tmpDir(t);
  const page = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await command(cwd, words);
    t.is(code, 0, stderr);
    return stdout;
  };
  const overview = await page('--help');
  for (const usage of ['run JOB.yaml', 'tasks [JOB]', 'fs tail NAME', 'op check SCRIPT']) {
    t.true(overview.includes(usage), usage);
  }
  const files = await page('fs', '--help');
  t.regex(files, /^Usage: rainstorm fs <command>\n\n {2}fs create NAME/);
  t.false(files.includes('verify'));
  const append = await page('help', 'fs', 'append');
  t.is(append, await page('fs', 'append', '--help'));
  t.regex(append, /^Usage: rainstorm fs append NAME \[LOCAL\]\n[\s\S]*stdin[\s\S]*--data DIR/);
});

test('an operator is tried on built-in tuples, on stdin, and with arguments that look like options', async (t) => {
  const cwd = tmpDir(t);
  const built = await command(cwd, ['op', 'check', 'filter.py', 'Guide']);
  t.is(built.code, 0, built.stderr);
  t.regex(built.stdout, /sample\.txt:1 = .*Guide\n {2}-> sample\.txt:1 = .*Guide\n/);
  t.regex(built.stdout, /answered 4 of 4 tuples\n$/);
  const piped = await shell(
    t,
    cwd,
    "printf 'Street\\nstreet\\nlane\\n' | rainstorm --json op check filter.py --regex '[Ss]treet$'",
  );
  t.is(piped.code, 0, piped.stderr);
  const { ok, lines } = JSON.parse(piped.stdout);
  t.true(ok);
  t.deepEqual(lines.slice(0, 6), [
    'stdin:0 = Street',
    '  -> stdin:0 = Street',
    'stdin:1 = street',
    '  -> stdin:1 = street',
    'stdin:2 = lane',
    '  filtered',
  ]);
});

test('what is wrong with an operator is said in plain words', async (t) => {
  const cwd = tmpDir(t);
  writeFileSync(join(cwd, 'chatty.py'), "import sys\nfor line in sys.stdin:\n    print('hello')\n");
  const chatty = await command(cwd, ['op', 'check', 'chatty.py']);
  t.is(chatty.code, 1);
  t.regex(chatty.stdout, /Protocol Mismatch.*hello/);
  writeFileSync(join(cwd, 'broken.py'), "raise ValueError('no such luck')\n");
  const broken = await command(cwd, ['op', 'check', 'broken.py']);
  t.is(broken.code, 1);
  t.regex(broken.stdout, /no such luck/);
});
