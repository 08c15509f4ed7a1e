import { execFile } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { fixedMessages, refusedPayloads } from '../../native-proto/fixed-messages.ts';
import { goldenFiles } from '../../native-proto/golden.ts';
import { assembleGrammar, fieldNamesIn, numberIn, rulesOf } from '../../native-proto/grammar.ts';
import { isFault } from '../../src/core/index.ts';
import { decodeRecord } from '../../src/kernels/index.ts';
import { decodeBlock } from '../../src/plan/index.ts';
import { decodeMessage, encodeMessage, FrameParser } from '../../src/wire/index.ts';
import { definitions } from '../../src/wire/messages/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { comparable } from './helpers/messages.ts';

const folder = join(import.meta.dirname, '../../native-proto');
const golden = join(folder, 'golden');
const checker = join(folder, 'check_golden.py');
const rules = rulesOf(assembleGrammar());
const run = promisify(execFile);

const hexOf = (name: string): Buffer =>
  Buffer.from(readFileSync(join(golden, `${name}.hex`), 'utf8').replace(/\s/g, ''), 'hex');
const namesIn = (kind: string): string[] =>
  readdirSync(join(golden, kind))
    .filter((name) => name.endsWith('.hex'))
    .map((name) => `${kind}/${name.slice(0, -'.hex'.length)}`);

test('the published grammar is that of the code', (t) => {
  t.is(readFileSync(join(folder, 'rainstorm.cddl'), 'utf8'), assembleGrammar());
  t.is(readFileSync(join(folder, 'stored.cddl'), 'utf8').match(/^block = /gm)?.length, 1);
});

test('the grammar names the number and the fields of every message, in order', (t) => {
  for (const { kind, number, fields } of definitions) {
    const rule = rules.get(kind) ?? '';
    t.is(numberIn(rule), number, kind);
    t.deepEqual(fieldNamesIn(rule), fields, kind);
  }
  t.deepEqual(fieldNamesIn(rules.get('data') ?? ''), fieldsOf('data'));
  t.deepEqual(fieldNamesIn(rules.get('ack') ?? ''), fieldsOf('ack'));
});

test('every rule that the grammar uses is defined', (t) => {
  const prelude = ['uint', 'tstr', 'bstr', 'null', 'bool', 'number', 'any', 'size'];
  let used = 0;
  for (const [name, rule] of rules) {
    const bare = rule.replace(/;.*$|"[^"]*"|[a-z-]+(?=:)/gm, '').replace(/^[a-z0-9-]+ =/, '');
    for (const [word] of bare.matchAll(/[a-z][a-z0-9-]*/g)) {
      used += 1;
      t.true(rules.has(word) || prelude.includes(word), `${name} uses ${word}`);
    }
  }
  t.true(used > 100);
});

test('message numbers and kinds are used once', (t) => {
  const numbers = [...definitions.map(({ number }) => number), 23, 24];
  t.is(new Set(numbers).size, numbers.length);
  t.is(new Set(definitions.map(({ kind }) => kind)).size, definitions.length);
});

test('every kind of message has a golden frame', (t) => {
  const kinds = new Set(fixedMessages.map(([, { kind }]) => kind));
  for (const { kind } of definitions) t.true(kinds.has(kind), kind);
  t.true(kinds.has('data') && kinds.has('ack'));
});

test('golden files are what this program writes, and there are no others', (t) => {
  const files = goldenFiles();
  for (const [name, text] of files) t.is(readFileSync(join(golden, name), 'utf8'), text, name);
  const kinds = readdirSync(golden);
  const there = kinds.flatMap((kind) => readdirSync(join(golden, kind)).map((f) => `${kind}/${f}`));
  t.deepEqual(there.toSorted(), [...files.keys()].toSorted());
});

test('golden frames are read as the messages they say', (t) => {
  for (const [name, message] of fixedMessages) {
    const parser = new FrameParser();
    parser.push(hexOf(`messages/${name}`));
    const payload = parser.next();
    t.deepEqual(comparable(payload === null ? null : decodeMessage(payload)), comparable(message));
  }
});

test('every payload in golden/refused is refused', (t) => {
  for (const [name, , why] of refusedPayloads) {
    const error = t.throws(() => decodeMessage(hexOf(`refused/${name}`)), undefined, why);
    t.true(isFault(error, 'WIRE_INVALID'), String(error));
  }
});

test('golden blocks and records are read', (t) => {
  for (const name of namesIn('blocks')) t.is(decodeBlock(hexOf(name)).count, 2, name);
  for (const name of namesIn('records')) t.is(decodeRecord(hexOf(name)).outputs.length, 2, name);
});

test('a reader in standard Python reads all of them', async (t) => {
  const { stdout } = await run('python3', ['-B', checker, golden]);
  t.regex(stdout, new RegExp(`^${goldenFiles().size / 2} golden files checked, 0 wrong`));
});

test('the Python check notices a frame that says something else', async (t) => {
  const copy = tmpDir(t);
  cpSync(golden, copy, { recursive: true });
  const path = join(copy, 'messages/ack.hex');
  t.true(existsSync(path));
  const frame = Buffer.concat(
    encodeMessage({ kind: 'ack', channel: 1, toEpoch: 4, seq: 3, credit: 2 ** 20 }),
  );
  writeFileSync(path, frame.toString('hex'));
  const error = await t.throwsAsync(run('python3', ['-B', checker, copy]));
  t.regex(String(Reflect.get(error ?? {}, 'stdout')), /messages\/ack: read .* 1 wrong/s);
});

function fieldsOf(kind: 'data' | 'ack'): string[] {
  const message = fixedMessages.find(([, each]) => each.kind === kind)?.[1] ?? {};
  return Object.keys(message).filter((name) => name !== 'kind');
}
