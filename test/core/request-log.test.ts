import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type LogFields, RequestLogFile, silentLog } from '../../src/core/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { ManualClock } from '../transport/helpers/manual-clock.ts';

interface Opened {
  readonly dir: string;
  readonly clock: ManualClock;
  readonly requests: RequestLogFile;
  /** What the program's own log heard. */
  readonly said: LogFields[];
  lines(): Record<string, unknown>[];
}

function opened(t: ExecutionContext, limits: { bytesMax?: number; kept?: number } = {}): Opened {
  const dir = tmpDir(t);
  const path = join(dir, 'requests.log');
  const clock = new ManualClock();
  const said: LogFields[] = [];
  const log = { ...silentLog, error: (_: string, fields: LogFields = {}) => said.push(fields) };
  const requests = new RequestLogFile({ path, clock, log, ...limits });
  const lines = (): Record<string, unknown>[] =>
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { dir, clock, requests, said, lines };
}

test('a request has a line when it is received and one when it is done, with its number', (t) => {
  const { clock, requests, lines } = opened(t);
  const first = requests.received('hydfs.copy', { file: 'a "b"', bytes: 5 });
  const second = requests.received('files.read', { file: 'c' });
  clock.advance(7);
  second('done', { bytes: 9 });
  first('refused');
  clock.advance(200);
  const [one, two, three, four] = lines();
  t.like(one, { request: 1, method: 'hydfs.copy', file: 'a "b"', bytes: 5 });
  t.like(two, { request: 2, msg: 'request received' });
  t.like(three, { request: 2, file: 'c', bytes: 9, ms: 7, result: 'done', msg: 'request done' });
  t.like(four, { request: 1, result: 'refused' });
  t.regex(String(one.time), /^\d{4}-\d\d-\d\dT/);
});

test('lines are there after a moment, when there are many, and at the end', (t) => {
  const { dir, clock, requests } = opened(t);
  const path = join(dir, 'requests.log');
  requests.received('m', {});
  t.deepEqual(readdirSync(dir), []);
  clock.advance(100);
  t.true(statSync(path).size > 0);
  const { size } = statSync(path);
  for (let i = 0; i < 1_000; i++) requests.received('m', { i });
  t.true(statSync(path).size > size);
  const before = statSync(path).size;
  requests.received('m', {});
  requests.close();
  t.true(statSync(path).size > before);
});

test('the file of requests is rotated by size, and only so many are kept', (t) => {
  const { dir, clock, requests } = opened(t, { bytesMax: 300, kept: 2 });
  for (let i = 0; i < 40; i++) {
    requests.received('m', { i });
    clock.advance(100);
  }
  t.deepEqual(readdirSync(dir).sort(), ['requests.log', 'requests.log.1', 'requests.log.2']);
});

test('requests that cannot be written down stop nobody, and that is said once', (t) => {
  const { dir, clock, requests, said, lines } = opened(t);
  rmSync(dir, { recursive: true });
  for (let i = 0; i < 5; i++) {
    requests.received('m', { i });
    clock.advance(100);
  }
  t.is(said.length, 1);
  t.true(String(said[0].path).endsWith('requests.log'));
  t.throws(lines);
});
