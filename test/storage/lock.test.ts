import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { isFault, present } from '../../src/core/index.ts';
import { type DataDirLock, lockDataDir, readLock } from '../../src/storage/index.ts';
import { type Running, startProcess } from '../helpers/processes.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

const HOLDER = join(import.meta.dirname, 'lock-holder.ts');

function holder(t: ExecutionContext, dir: string): Running {
  return startProcess(t, [process.execPath, HOLDER, dir], { cwd: dir });
}

const locksIn = (dir: string): string[] =>
  readdirSync(dir).filter((name) => name.startsWith('lock'));

/** What a killed process leaves behind. */
async function staleLock(dir: string): Promise<void> {
  const lock = await lockDataDir(dir);
  const path = join(dir, locksIn(dir)[0]);
  const owner: unknown = JSON.parse(readFileSync(path, 'utf8'));
  await lock.release();
  const gone = typeof owner === 'object' ? { ...owner, startTime: 1 } : owner;
  writeFileSync(path, JSON.stringify(gone));
}

test('a second process is refused with the pid of the first, which others can read', async (t) => {
  const dir = tmpDir(t);
  t.is(await readLock(dir), null);
  const lock = await lockDataDir(dir, { socket: '/run/x.sock' });
  const owner = present(await readLock(dir), 'it is held');
  t.is(owner.pid, process.pid);
  t.deepEqual(owner.info, { socket: '/run/x.sock' });
  t.is(statSync(join(dir, locksIn(dir)[0])).mode & 0o777, 0o600);
  const second = holder(t, dir);
  await second.ended;
  t.regex(second.stderr(), new RegExp(`refused: .* is in use by process ${process.pid};`));
  const again = await t.throwsAsync(lockDataDir(dir));
  t.true(isFault(again, 'DATA_DIR_LOCKED'));
  await lock.release();
  await lock.release();
  t.is(await readLock(dir), null);
  await (await lockDataDir(dir)).release();
  t.is(locksIn(dir).length, 1, 'locks do not pile up');
});

test('of several processes that find a killed owner exactly one follows it', async (t) => {
  const dir = tmpDir(t);
  const first = holder(t, dir);
  await first.untilStderr(/held/);
  let owner = first;
  for (let round = 0; round < 2; round++) {
    await owner.kill('SIGKILL');
    t.is(await readLock(dir), null);
    const starters = [holder(t, dir), holder(t, dir), holder(t, dir)];
    await Promise.all(starters.map((each) => each.untilStderr(/held|refused/)));
    const held = starters.filter((each) => /held/.test(each.stderr()));
    t.is(held.length, 1, starters.map((each) => each.stderr()).join(''));
    [owner] = held;
    t.is(present(await readLock(dir), 'it is held').pid, owner.pid);
  }
  await owner.kill('SIGKILL');
  t.is(locksIn(dir).length, 1, 'locks do not pile up');
});

test('of many starters in one turn exactly one follows a stale owner', async (t) => {
  for (let round = 0; round < 5; round++) {
    const dir = tmpDir(t);
    await staleLock(dir);
    const starts = Array.from({ length: 10 }, () => lockDataDir(dir));
    const held: DataDirLock[] = [];
    for (const start of await Promise.allSettled(starts)) {
      if (start.status === 'fulfilled') held.push(start.value);
      else t.true(isFault(start.reason, 'DATA_DIR_LOCKED'), String(start.reason));
    }
    t.is(held.length, 1);
    await held[0].release();
  }
});

test('however starters and releases interleave, there is never more than one owner', async (t) => {
  const dir = tmpDir(t);
  let owners = 0;
  let turns = 0;
  const contend = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      const lock = await lockDataDir(dir).catch((error: unknown) => {
        if (isFault(error, 'DATA_DIR_LOCKED')) return null;
        throw error;
      });
      if (lock === null) continue;
      owners += 1;
      turns += 1;
      if (owners !== 1) t.fail(`${owners} owners at once`);
      await setImmediate();
      owners -= 1;
      await lock.release();
    }
  };
  await Promise.all(Array.from({ length: 6 }, contend));
  t.true(turns > 5, `${turns} turns`);
});

test('a starter that was slow to follow a stale owner gives way to who came meanwhile', async (t) => {
  const dir = tmpDir(t);
  const slow = join(dir, 'lock.1');
  execFileSync('mkfifo', [slow]);
  const late = lockDataDir(dir); // reads the owner of lock.1 from a pipe, so it waits for us
  const pipe = await open(slow, 'w');
  writeFileSync(join(dir, 'lock.2'), '');
  const lock = await lockDataDir(dir);
  t.deepEqual(
    locksIn(dir).filter((name) => !name.includes('draft')),
    ['lock.3'],
  );
  await pipe.writeFile('no owner');
  await pipe.close();
  t.true(isFault(await t.throwsAsync(late), 'DATA_DIR_LOCKED'));
  t.deepEqual(locksIn(dir), ['lock.3']);
  await lock.release();
});

test('a lock file lost in a power cut does not lock anybody out', async (t) => {
  for (const content of ['', '{', '{"pid":1}', 'null']) {
    const dir = tmpDir(t);
    writeFileSync(join(dir, 'lock.7'), content);
    mkdirSync(join(dir, 'lock.x'));
    t.is(await readLock(dir), null);
    await (await lockDataDir(dir)).release();
    t.deepEqual(locksIn(dir).sort(), ['lock.8', 'lock.x']);
  }
});

test('a pid given out again, and one of before a restart, are not the owner', async (t) => {
  const dir = tmpDir(t);
  await staleLock(dir);
  t.is(await readLock(dir), null);
  const lock = await lockDataDir(dir);
  const path = join(dir, locksIn(dir)[0]);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace(/"bootId":"[^"]*"/, '"bootId":"another"'));
  t.is(await readLock(dir), null);
  await lock.release();
});

test('a data directory that cannot be one is a fault in plain words', async (t) => {
  const dir = tmpDir(t);
  writeFileSync(join(dir, 'file'), '');
  for (const path of [join(dir, 'file'), join(dir, 'file', 'below'), '/dev/null/data']) {
    const error = await t.throwsAsync(lockDataDir(path));
    t.true(isFault(error, 'DATA_DIR_UNUSABLE'), String(error));
    t.true(String(error).includes(path));
  }
});
