import { execFileSync } from 'node:child_process';
import test from 'ava';
import fc from 'fast-check';
import { farCommand, readFarFacts } from '../../src/provision/far-side.ts';
import { shellCommand } from '../../src/provision/quote.ts';

const RUNS = 60;

/** Prints each of its arguments with a NUL behind it. */
const printer = ['sh', '-c', 'for word; do printf "%s\\0" "$word"; done', 'sh'];

function through(shell: string, words: readonly string[]): string[] {
  const command = shellCommand([...printer, ...words]);
  const printed = execFileSync(shell, ['-c', command], { encoding: 'utf8' });
  return printed.split('\0').slice(0, -1);
}

const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "'",
        '"',
        '\\',
        '$',
        '`',
        '\n',
        ' ',
        '*',
        '~',
        '!',
        ';',
        '&',
        '|',
        '-',
        '$(id)',
      ),
      fc.string({ unit: 'grapheme' }),
    ),
  )
  .map((pieces) => pieces.join('').replaceAll('\0', '').toWellFormed());

test('whatever a word holds, sh gets exactly that word', (t) => {
  const property = fc.property(fc.array(nasty, { maxLength: 5 }), (words) => {
    t.deepEqual(through('sh', words), words);
  });
  fc.assert(property, { numRuns: RUNS });
});

test('a word for a far shell is quoted for bash as well', (t) => {
  const words = ["it's", '$HOME', '', 'a\nb', '-n', "''", '\\', '!!'];
  t.deepEqual(through('bash', words), words);
});

test('a word with a NUL is refused', (t) => {
  t.throws(() => shellCommand(['a\0b']), { message: /no NUL/ });
});

test('a directory of any name stays one word of the far program', (t) => {
  const property = fc.property(nasty, (name) => {
    const dir = `/nowhere/${name.replaceAll('\n', '')}`;
    const stdout = execFileSync('sh', ['-c', farCommand('state', dir)], { encoding: 'utf8' });
    const facts = readFarFacts(stdout);
    t.is(facts.get('dir'), dir);
    t.is(facts.get('ours'), 'no');
  });
  fc.assert(property, { numRuns: RUNS });
});

test('what a login shell prints besides is no answer', (t) => {
  const facts = readFarFacts('Welcome!\nkey=no\nrainstorm:node=running\n x rainstorm:node=dead\n');
  t.deepEqual([...facts], [['node', 'running']]);
});
