/** Each rule of tidy.test.ts notices a planted violation, and lets the right form pass. */
import test, { type ExecutionContext } from 'ava';
import { checkCalls, checkEscapes } from './helpers/tidy/calls.ts';
import { checkLinks } from './helpers/tidy/docs.ts';
import { checkFaultCodes, checkFaultSentences } from './helpers/tidy/faults.ts';
import { checkLayers } from './helpers/tidy/layers.ts';
import {
  checkFileLength,
  checkFileNames,
  checkFunctionLength,
  checkIndexes,
  checkLeftovers,
  checkPrivateWords,
  functionsOf,
} from './helpers/tidy/shape.ts';
import { codeOf, sourceOf, type Verdict } from './helpers/tidy/source.ts';
import { checkFailpoints, checkSkips, checkTitles } from './helpers/tidy/tests.ts';

function problemsOf(t: ExecutionContext, { problems }: Verdict, ...patterns: RegExp[]): void {
  t.is(problems.length, patterns.length, problems.join('\n'));
  patterns.forEach((pattern, index) => {
    t.regex(problems[index], pattern);
  });
}

test('comments, strings, templates and regular expressions are not code', (t) => {
  const text = [
    "const a = 'x // y'; // Date.now()",
    'const b = `one $' + '{f("}") + `two $' + '{g}` } three`;',
    "const c = /[/'`]\\/*/.test(s) ? a / b / c : 1; /* it's */",
    'return /x"/;',
  ].join('\n');
  const code = codeOf(text);
  t.is(code.length, text.length);
  t.is(code.split('\n').length, 4);
  t.notRegex(code, /Date|one|two|three|it's|x"|\/\/ y/);
  t.regex(code, /f\("[ ]"\) \+ `[ ]+\$?[ ]*.?g[} ]+`|f\(/);
  t.regex(code, /\? a \/ b \/ c : 1;/);
});

test('an import of a higher layer, or past an index.ts, is noticed', (t) => {
  const files = [
    sourceOf('src/wire/a.ts', "import { x } from '../hydfs/index.ts';"),
    sourceOf('src/hydfs/b.ts', "import type {\n  Y,\n} from '../wire/frame.ts';"),
    sourceOf('src/worker/c.ts', "const z = await import('../leader/index.ts');"),
    sourceOf('src/extra/d.ts', ''),
    sourceOf('src/plan/e.ts', "import { x } from '../core/index.ts'; import './own.ts';"),
    sourceOf('src/cli/f.ts', "// import '../main.ts'\nimport { t } from '../../test/t.ts';"),
  ];
  problemsOf(
    t,
    checkLayers(files),
    /wire\/a\.ts:1: wire may not import hydfs/,
    /hydfs\/b\.ts:3: imports src\/wire\/frame\.ts instead of src\/wire\/index\.ts/,
    /worker may not import leader/,
    /src\/extra is not in the list/,
    /cli\/f\.ts:2: imports test\/t\.ts, which is not in src/,
  );
});

test('a call that takes time, randomness or the environment behind the back is noticed', (t) => {
  const banned = [
    'Date.now()',
    'new Date()',
    'Math.random()',
    'setTimeout(f, 1)',
    'setInterval(f, 1)',
    'performance.now()',
    'process.env.HOME',
    'console.log(1)',
    'process.exit(1)',
    'randomBytes(4)',
  ];
  for (const call of banned) {
    t.is(checkCalls([sourceOf('src/worker/a.ts', `const a = ${call};`)]).problems.length, 1, call);
    t.is(checkCalls([sourceOf('src/worker/a.ts', `// ${call}`)]).problems.length, 0, call);
  }
  t.is(checkCalls([sourceOf('src/core/a.ts', 'Date.now()')]).problems.length, 0);
  t.is(
    checkCalls([sourceOf('src/wire/a.ts', 'socket.setTimeout(5); new Date(5)')]).problems.length,
    0,
  );
});

test('one escape more than the ratchet allows is noticed', (t) => {
  const suppression = ['biome', 'ignore'].join('-');
  const text = `const a: any = b as unknown as C; d!.e; f(g!); // ${suppression} x`;
  const files = [sourceOf('src/a/a.ts', text)];
  problemsOf(
    t,
    checkEscapes(files, { 'non-null !': 1 }),
    /1 × any, 0 allowed/,
    /2 × non-null !, 1 allowed/,
    /1 × as unknown as/,
    /1 × lint suppression/,
  );
  const innocent = 'if (a !== b && !c) return "any!"; const { any } = x; // any';
  problemsOf(t, checkEscapes([sourceOf('src/a/b.ts', innocent)], {}));
});

test('a file of 501 lines and a function of 71 are noticed', (t) => {
  t.is(checkFileLength([sourceOf('a.ts', 'x;\n'.repeat(501))]).problems.length, 1);
  t.is(checkFileLength([sourceOf('a.ts', 'x;\n'.repeat(500))]).problems.length, 0);
  const body = (lines: number): string => `{\n${'  x;\n'.repeat(lines - 2)}}`;
  const heads = [
    'function f(a: string) ',
    'const g = async (a: number): Promise<void> => ',
    'class A {\n  #h<T extends object>(a: { b: T }): Map<string, T> ',
    'async function k(): Promise<{ a: number }> ',
  ];
  for (const head of heads) {
    const long = sourceOf('src/a.ts', head + body(71));
    t.is(checkFunctionLength([long]).problems.length, 1, head);
    t.is(checkFunctionLength([long], 1).problems.length, 0, head);
    t.is(checkFunctionLength([sourceOf('src/a.ts', head + body(70))]).problems.length, 0, head);
  }
  const others = `if (a) ${body(90)}\nfor (;;) ${body(90)}\nconst o = ${body(90)}`;
  t.deepEqual(functionsOf(sourceOf('src/a.ts', others)), []);
});

test('a name that is not in its case is noticed', (t) => {
  problemsOf(
    t,
    checkFileNames([
      'src/blockReader.ts',
      'src/block-reader.test.ts',
      'operators/count-by.py',
      'a.md',
    ]),
    /blockReader/,
    /count-by\.py/,
  );
});

test('words left for later or private to a place are noticed', (t) => {
  const later = ['TO', 'DO'].join('');
  problemsOf(t, checkLeftovers([sourceOf('a.ts', `x;\n// ${later}: y`)]), /a\.ts:2/);
  const place = ['/wo', 'rk/main'].join('');
  problemsOf(t, checkPrivateWords([sourceOf('a.md', `see ${place}`)]), /a\.md:1/);
  problemsOf(t, checkPrivateWords([sourceOf('a.md', 'see src/worker/task.ts')]));
});

test('a fault code without a row, or a row without a use, is noticed', (t) => {
  const table = { A_USED: { domain: 'user', says: '' }, B_UNUSED: { domain: 'user', says: '' } };
  const files = [
    sourceOf('src/core/fault-table.ts', "'B_UNUSED'"),
    sourceOf('src/a/a.ts', "throw fault('A_USED', {}); isFault(error, 'C_ABSENT'); // 'B_UNUSED'"),
  ];
  problemsOf(t, checkFaultCodes(files, table), /nothing raises B_UNUSED/, /C_ABSENT is not in/);
});

test('a fault sentence with a period or without a remedy is noticed', (t) => {
  const row = (says: string, domain = 'user'): Verdict =>
    checkFaultSentences({ X: { domain, says } });
  problemsOf(t, row('the file {path} is gone; create it.'), /ends with a period/);
  problemsOf(t, row('It broke. Fix it; use tape'), /more than one sentence/);
  problemsOf(t, row('the file {path} is gone'), /does not say what to do/);
  problemsOf(t, row('the file {path} is gone', 'internal'));
  problemsOf(t, row('the file {path} is gone; create it'));
  problemsOf(t, row('bad call; see `rainstorm --help`'));
});

test('a folder without an index, an essay or an example is noticed', (t) => {
  const index = (folder: string, text: string) => sourceOf(`src/${folder}/index.ts`, text);
  const files = [
    sourceOf('src/a/x.ts', ''),
    index('b', 'export {};'),
    index('c', '/**\n * c: one.\n *\n * two\n */\n'),
    index('d', '/**\n * d: one.\n *\n *   example();\n */\n'),
    sourceOf('src/main.ts', ''),
  ];
  problemsOf(t, checkIndexes(files), /src\/a has no/, /src\/b.*essay/, /src\/c.*example/);
});

test('a title used twice is noticed', (t) => {
  const numbered = 'test(`n $' + '{i}`, f);';
  const files = [
    sourceOf('test/a.test.ts', `test('same', f); ${numbered} ${numbered}`),
    sourceOf('test/b.test.ts', "test.serial('same', f); test('other', f); re.test('other');"),
  ];
  problemsOf(t, checkTitles(files), /b\.test\.ts:1: "same" is the title at test\/a/);
});

test('a test that is switched off is noticed', (t) => {
  for (const way of ['skip', 'only', 'failing', 'todo']) {
    const files = [sourceOf('test/a.test.ts', `test.${way}('a', f); // test.${way}`)];
    t.is(checkSkips(files).problems.length, 1, way);
  }
});

test('a failpoint that stands twice, or has no literal name, is noticed', (t) => {
  const files = [
    sourceOf('src/a/a.ts', "failpoint('a.one'); failpoint('a.one'); failpoint(name);"),
    sourceOf('src/core/f.ts', "export function failpoint(name: string) {} // failpoint('a.one')"),
    sourceOf('src/b/b.ts', "failpoint('Nameless')"),
    sourceOf('src/b/c.ts', 'f(options.failpointName); failpoint(this.#name);'),
    sourceOf('src/b/d.ts', "new C({ failpointName: 'a.one' })"),
  ];
  problemsOf(
    t,
    checkFailpoints(files),
    /must be a literal/,
    /failpoint a\.one stands at src\/a\/a\.ts:1 too/,
    /Nameless is not named like/,
    /d\.ts:1: failpoint a\.one stands/,
  );
});

test('a link to a missing file or heading is noticed', (t) => {
  const readme = [
    '# One two, three!',
    '[a](src/README.md) [b](#one-two-three) [c](gone.md) [d](#four) [e](src/) [f](https://x.y)',
    '`[g](gone.md)`',
  ].join('\n');
  const documents = [sourceOf('README.md', readme), sourceOf('src/README.md', '')];
  const paths = ['README.md', 'src/README.md'];
  problemsOf(t, checkLinks(documents, paths), /there is no gone\.md/, /no heading #four/);
});
