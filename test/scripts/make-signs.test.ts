import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { projectRoot } from '../helpers/processes.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

const script = join(projectRoot, 'scripts', 'make-signs.mjs');

/** Of 1000 lines with seed 1: the bytes are a promise to whoever wrote down a result. */
const SIGNS_SHA256 = '3f2cf4e61af4b10ae1ad00e2fe8827620561434a544e0cccdcb05cb259b58cf2';
const PLAIN_SHA256 = 'e9ec83f12680d83ec67ec25511145b5173b3bf516c5672404ce5140e5b4f8e98';

interface Made {
  readonly sha256: string;
  readonly text: string;
}

function make(dir: string, ...args: string[]): Made {
  const out = join(dir, 'out.csv');
  const ran = spawnSync(process.execPath, [script, '--out', out, ...args], { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(ran.stderr);
  const bytes = readFileSync(out);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (ran.stdout !== `${sha256}  ${out}\n`) throw new Error(`it printed ${ran.stdout}`);
  return { sha256, text: bytes.toString('utf8') };
}

test('the sample is the same bytes everywhere', (t) => {
  const dir = tmpDir(t);
  t.is(make(dir, '--lines=1000').sha256, SIGNS_SHA256);
  t.is(make(dir, '--lines=1000', '--plain').sha256, PLAIN_SHA256);
  t.not(make(dir, '--lines=1000', '--seed=2').sha256, SIGNS_SHA256);
});

test('the sample has 22 columns by the reading of another CSV parser', (t) => {
  const { text } = make(tmpDir(t), '--lines=5000');
  const count = 'import csv,sys; print(sorted({len(r) for r in csv.reader(sys.stdin)}))';
  const ran = spawnSync('python3', ['-X', 'utf8', '-c', count], { input: text, encoding: 'utf8' });
  t.is(ran.stdout, '[22]\n', ran.stderr);
  t.is(text.split('\n').length, 5002, 'the header, the lines, the end');
  t.regex(text, /,"[^"]+, [^"]+",/, 'quoted commas');
  t.regex(text, /""/, 'doubled quotes');
  t.regex(text, /,,/, 'empty fields');
  t.regex(text, /[^\p{ASCII}]/u, 'more than ASCII');
});

test('every line of the CRLF form ends with both characters and is otherwise the same', (t) => {
  const dir = tmpDir(t);
  const { text } = make(dir, '--lines=500');
  t.is(make(dir, '--lines=500', '--crlf').text, text.replaceAll('\n', '\r\n'));
});

test('plain lines are about 100 bytes', (t) => {
  const { text } = make(tmpDir(t), '--lines=2000', '--plain');
  const mean = Buffer.byteLength(text) / 2000;
  t.true(mean > 85 && mean < 115, `${mean}`);
});

test('the memory of the generator does not grow with the number of lines', (t) => {
  const heap = ['--max-old-space-size=16', '--max-semi-space-size=1'];
  const args = [...heap, script, '--lines=150000', '--out=-'];
  const ran = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  t.is(ran.status, 0, ran.stderr.toString());
});

test('a full disk ends the generator with a sentence', (t) => {
  const full = openSync('/dev/full', 'w');
  const ran = spawnSync(process.execPath, [script, '--lines=10', '--out=-'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  t.is(ran.status, 2);
  t.regex(ran.stderr, /^make-signs: .*no space left.*\n$/i);
});

test('a number that is none is refused with its option', (t) => {
  const ran = spawnSync(process.execPath, [script, '--lines=many'], { encoding: 'utf8' });
  t.is(ran.status, 2);
  t.regex(ran.stderr, /^make-signs: --lines is many, but must be a whole number/);
});
