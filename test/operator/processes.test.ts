import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sleep, systemClock } from '../../src/core/index.ts';
import { GroupsFile, LINES_MAX } from '../../src/operator/groups.ts';
import { reapOrphans } from '../../src/operator/index.ts';
import { findSetpriv, wrapCommand } from '../../src/operator/launch.ts';
import { batchOf, commandOf, poolOf, scratch, startPool, textOf } from './support.ts';

/** Waits until `pid` is gone (a zombie is gone); fails after 10 s. */
async function gone(t: ExecutionContext, pid: number): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (!isRunning(pid)) return;
    await sleep(systemClock, 10);
  }
  t.fail(`process ${pid} is still there`);
}

function isRunning(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return false;
  try {
    const text = readFileSync(path, 'utf8');
    return text[text.lastIndexOf(')') + 2] !== 'Z';
  } catch {
    return false; // it ended while we looked
  }
}

async function childOf(pool: {
  submit: (b: ReturnType<typeof batchOf>) => Promise<{ answers: Uint8Array }>;
}): Promise<number> {
  const { answers } = await pool.submit(batchOf(['x']));
  return Number(/value: (\d+)/.exec(Buffer.from(answers).toString())?.[1]);
}

test('the file of groups stays short over any number of operators, and knows those that live', async (t) => {
  const path = join(scratch(t), 'groups.json');
  const living = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  t.teardown(() => living.kill('SIGKILL'));
  const { pid = 0 } = living;
  const groups = new GroupsFile(path);
  groups.started(pid, '/tmp/rainstorm-op-test');
  const [line] = readFileSync(path, 'utf8').split('\n');
  for (let i = 1; i < LINES_MAX; i++) new GroupsFile(path).ended(0);
  t.is(readFileSync(path, 'utf8'), `${line}\n`);
  groups.ended(0);
  t.deepEqual(reapOrphans(path), [pid]);
  await gone(t, pid);
});

test('killing a pool leaves no grandchild', async (t) => {
  const { pool } = await startPool(t, 'family.py');
  const child = await childOf(pool);
  t.true(isRunning(child));
  await pool.kill();
  await gone(t, child);
  t.pass();
});

test('an operator that leaves at the end of input leaves no grandchild', async (t) => {
  const { pool } = await startPool(t, 'family.py');
  const child = await childOf(pool);
  await pool.end();
  await gone(t, child);
  t.pass();
});

test('what an operator sees: its own session, a fresh directory, limits, a short environment', async (t) => {
  process.env.MY_SECRET = 'hidden';
  t.teardown(() => delete process.env.MY_SECRET);
  const env = { GREETING: 'hello', RAINSTORM_KEY: 'never' };
  const command = await commandOf('surroundings.py', ['a b', '$(touch x)', ''], { env });
  const { pool } = poolOf(t, command);
  await pool.start();
  const answer = await pool.submit(batchOf(['x']));
  const facts = JSON.parse(/value: (.*)/.exec(textOf([answer]))?.[1] ?? '');
  await pool.end();
  t.deepEqual(facts.argv, ['a b', '$(touch x)', '']);
  t.is(facts.script, 'surroundings.py');
  t.is(facts.name, '__main__');
  t.true(facts.main && facts.path0 && facts.leader);
  t.deepEqual(facts.cwd_entries, []);
  t.true(facts.cwd.startsWith(tmpdir()));
  t.false(existsSync(facts.cwd));
  t.is(facts.core, 0);
  t.true(facts.files <= 4096);
  t.true(facts.env.includes('GREETING') && facts.env.includes('PATH'));
  t.false(facts.env.some((name: string) => /SECRET|RAINSTORM|NODE|AVA/.test(name)));
  // Standard streams, status, the protocol's two, and the one that lists the folder.
  const low = facts.fds.filter((fd: number) => fd < 100);
  t.true(low.length <= 7, `descriptors ${facts.fds}`);
});

test('a command line is never parsed: odd names and arguments arrive as they are', (t) => {
  const odd = ['; exit 3', '"', "'", '$HOME', '`id`', '\n', ''];
  const [program, ...rest] = wrapCommand(
    ['/bin/sh', '-c', 'printf "%s|" "$@"', 'x', ...odd],
    process.pid,
  );
  const { stdout, status } = spawnSync(program, rest);
  t.is(status, 0);
  t.is(stdout.toString(), odd.map((each) => `${each}|`).join(''));
});

test('without setpriv the wrapper still starts, and an orphan refuses to start', (t) => {
  const [program, ...rest] = wrapCommand(['/bin/echo', 'hi'], process.pid, null);
  t.is(spawnSync(program, rest).stdout.toString(), 'hi\n');
  const [other, ...orphan] = wrapCommand(['/bin/echo', 'hi'], process.pid + 1, null);
  const result = spawnSync(other, orphan);
  t.is(result.status, 125);
  t.is(result.stdout.toString(), '');
});

test('a stubborn operator dies with its node', async (t) => {
  const setpriv = findSetpriv();
  if (setpriv === null) {
    t.log('skipped: there is no setpriv on this machine');
    return t.pass();
  }
  const node = `
    const { spawn } = require('node:child_process');
    const argv = JSON.parse(process.argv[1]).map((each) => each === 'PID' ? String(process.pid) : each);
    const child = spawn(argv[0], argv.slice(1), { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    child.on('spawn', () => console.log(child.pid));
    setInterval(() => {}, 1000);`;
  const argv = wrapCommand(['sleep', '1000'], 0, setpriv).map((each) =>
    each === '0' ? 'PID' : each,
  );
  const parent = spawn(process.execPath, ['-e', node, JSON.stringify(argv)]);
  t.teardown(() => parent.kill('SIGKILL'));
  const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
  await until(t, () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n');
  parent.kill('SIGKILL');
  await gone(t, pid);
  t.pass();
});

async function until(t: ExecutionContext, ready: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !ready(); i++) await sleep(systemClock, 10);
  t.true(ready());
}

test('groups left by a dead node are found and killed, others are not', async (t) => {
  const file = join(scratch(t), 'groups');
  const { pool } = poolOf(t, await commandOf('family.py'), { groupsFile: file });
  await pool.start();
  const child = await childOf(pool);
  const [pid] = pool.pids();
  const written = readFileSync(file, 'utf8');
  t.regex(written, new RegExp(`^start ${pid} \\d+ [0-9a-f-]{36} /.*/rainstorm-op-\\w+\\n$`));
  // Same pid, other start time: a process that only got the number later.
  writeFileSync(
    file,
    written.replace(/ (\d+) /, (_, started) => ` ${Number(started) + 1} `),
  );
  t.deepEqual(reapOrphans(file), []);
  t.true(isRunning(pid) && isRunning(child));
  // Another boot.
  writeFileSync(file, written.replace(/ [0-9a-f-]{36}/, ' 00000000-0000-0000-0000-000000000000'));
  t.deepEqual(reapOrphans(file), []);
  // A torn line after it is ignored.
  writeFileSync(file, `${written}start 1 `);
  t.deepEqual(reapOrphans(file), [pid]);
  await gone(t, child);
  t.false(existsSync(written.trim().split(' ').slice(4).join(' ')));
  t.is(readFileSync(file, 'utf8').replaceAll(/^end \d+\n/gm, ''), '');
  t.deepEqual(reapOrphans(join(file, '../none')), []);
});

test('a group whose leader is gone is still found by its children', async (t) => {
  const file = join(scratch(t), 'groups');
  const shell = spawn('/bin/sh', ['-c', 'sleep 1000 & echo $!; read line'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const child = Number(await new Promise((resolve) => shell.stdout.once('data', resolve)));
  const started = readFileSync(`/proc/${shell.pid}/stat`, 'utf8').split(' ')[21];
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  writeFileSync(file, `start ${shell.pid} ${started} ${boot}\n`);
  const exited = new Promise((resolve) => shell.once('exit', resolve));
  shell.kill('SIGKILL');
  await exited;
  t.true(isRunning(child));
  t.deepEqual(reapOrphans(file), [Number(shell.pid)]);
  await gone(t, child);
});

test('ends are written down, so a clean run leaves nothing to reap', async (t) => {
  const file = join(scratch(t), 'groups');
  const { pool } = await startPool(t, 'identity.py', { groupsFile: file, processes: 2 });
  await pool.end();
  t.is(readFileSync(file, 'utf8').split('\n').length, 5);
  t.deepEqual(reapOrphans(file), []);
});
