/**
 * The rules of this code base as tests. Each gate says how many things it looked at; a gate that
 * looked at nothing fails, because then it guards nothing. test/tidy-planted.test.ts shows that each
 * notices what it is for.
 */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { faultTable } from '../src/core/index.ts';
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
} from './helpers/tidy/shape.ts';
import { projectFiles, readSource, type Verdict } from './helpers/tidy/source.ts';
import { checkFailpoints, checkSkips, checkTitles } from './helpers/tidy/tests.ts';

const root = join(import.meta.dirname, '..');
const paths = projectFiles(root);
const written = paths.filter((path) => /\.(ts|mjs|js|py|md|sh|yaml|yml|cddl)$|^\.ci\//.test(path));
const sources = written.map((path) => readSource(root, path));
const typescript = sources.filter(({ path }) => path.endsWith('.ts'));
const src = typescript.filter(({ path }) => path.startsWith('src/'));
const tests = typescript.filter(({ path }) => path.startsWith('test/'));
const scripts = sources.filter(({ path }) => path.endsWith('.mjs'));
const documents = sources.filter(({ path }) => path.endsWith('.md'));

/** Ratchets: how much of each there may be. They only ever go down. */
const escapesAllowed = {
  any: 0,
  'non-null !': 0,
  'as unknown as': 3,
  'lint suppression': 0,
  'type suppression': 0,
};
const longFunctionsAllowed = 5;

function gate(t: ExecutionContext, { checked, problems }: Verdict): void {
  t.log(`${checked} checked`);
  t.true(checked > 0, 'the gate looked at nothing');
  t.deepEqual(problems, []);
}

test('a folder imports only lower layers, through their index.ts', (t) =>
  gate(t, checkLayers(src)));
test('time, randomness, environment and terminal are touched only where they may be', (t) =>
  gate(t, checkCalls(src)));
test('ways around the types and the linter do not become more', (t) =>
  gate(t, checkEscapes([...src, ...tests], escapesAllowed)));
test('no file is longer than 500 lines', (t) =>
  gate(t, checkFileLength([...typescript, ...scripts])));
test('functions are at most 70 lines long', (t) =>
  gate(t, checkFunctionLength([...src, ...scripts], longFunctionsAllowed)));
test('files are named in kebab-case, Python files in snake_case', (t) =>
  gate(t, checkFileNames(paths)));
test('nothing is left for later', (t) => gate(t, checkLeftovers(sources)));
test('nothing names the place where it was written', (t) => gate(t, checkPrivateWords(sources)));
test('every fault code is raised, and every raised code has a row', (t) =>
  gate(t, checkFaultCodes(typescript, faultTable)));
test('every fault sentence says what to do and has no period', (t) =>
  gate(t, checkFaultSentences(faultTable)));
test('every folder of src begins with an essay and an example in its index.ts', (t) =>
  gate(t, checkIndexes(src)));
test('test titles are unique', (t) => gate(t, checkTitles(tests)));
test('no test is switched off without saying why', (t) => gate(t, checkSkips(tests)));
test('every failpoint has a name and a place of its own', (t) => gate(t, checkFailpoints(src)));
test('links in the documentation lead to a file and a heading', (t) =>
  gate(t, checkLinks(documents, paths)));
