/**
 * `rainstorm up` and `down` against a real OpenSSH server whose loopback addresses stand for hosts:
 * programs are copied, their nodes run detached and find each other.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ended } from '../helpers/processes.ts';
import { testUnless } from '../helpers/skip.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { packagedProgram, scriptProgram } from './helpers/executable.ts';
import { isRunning, LONG_MS, Provisioned } from './helpers/provisioned.ts';
import { whyNoSshd } from './helpers/sshd.ts';

const missing = whyNoSshd();

interface Row {
  readonly host: string;
  readonly state: string;
  readonly version: string | null;
  readonly action: string;
}

/** An operator that says what it gets in capitals. */
const shout = `import sys
for line in sys.stdin:
    if line.startswith('key: '):
        print('forward')
        print(line.rstrip())
    else:
        print('value: ' + line[7:].rstrip().upper())
`;

function rowsOf({ stdout }: Ended): Row[] {
  return JSON.parse(stdout);
}

testUnless(
  missing,
  'the program is put on three hosts, left alone by the next command, and ended',
  async (t) => {
    t.timeout(LONG_MS);
    const place = await Provisioned.make(t, 3);
    const packaged = packagedProgram();
    // The packaged file puts itself there; a script is put there by this tree.
    const script = packaged ?? (await scriptProgram(join(tmpDir(t), 'program')));
    const up = (...more: readonly string[]): Promise<Ended> =>
      packaged === null
        ? place.run('up', '--bin', script, ...more)
        : place.runAs([packaged], 'up', ...more);
    if (packaged === null) t.log('bin/rainstorm is absent or old: a script stands in for it');
    const first = await up();
    t.log(first.stderr + first.stdout);
    t.is(first.code, 0, first.stderr);
    t.regex(first.stdout, /HOST +ADDRESS +STATE +VERSION +NODE ID +ACTION +TIME/);
    for (const [i, address] of place.addresses.entries()) {
      t.regex(first.stdout, new RegExp(`vm${i + 1} +${address}:7070 +healthy .* copied, started`));
      t.is(statSync(place.dir(i)).mode & 0o777, 0o700);
    }
    const pids = place.pids();
    t.true(pids.every(isRunning), 'the nodes outlive the command');

    const second = await up('--json', '--quiet');
    t.is(second.code, 0, second.stderr);
    t.deepEqual(
      rowsOf(second).map(({ host, state, action }) => [host, state, action]),
      [1, 2, 3].map((i) => [`vm${i}`, 'healthy', 'up to date, left running']),
    );
    t.deepEqual(place.pids(), pids);

    const down = await place.run('down');
    t.is(down.code, 0, down.stderr);
    t.is(down.stdout.match(/ stopped /g)?.length, 3, down.stdout);
    t.false(pids.some(isRunning));
    t.true(existsSync(join(place.dir(0), 'data')), 'down keeps the data');

    const back = await up('--json', '--quiet');
    t.is(back.code, 0, back.stderr);
    for (const { action, state } of rowsOf(back)) {
      t.deepEqual([action, state], ['up to date, started', 'healthy']);
    }
    t.is((await place.run('down', '--clean')).code, 0);
    t.false(existsSync(place.dir(0)));
  },
);

testUnless(
  missing,
  'a host that fails is named while the others go on, and --restart brings another version',
  async (t) => {
    t.timeout(LONG_MS);
    const dir = tmpDir(t);
    const old = await scriptProgram(join(dir, 'old'), '0.0.1');
    const fresh = await scriptProgram(join(dir, 'fresh'), '0.0.2');
    const place = await Provisioned.make(t, 2, ['keyFile: the.key']);
    const keyless = await place.run('up', '--bin', old);
    t.is(keyless.code, 2, keyless.stderr);
    t.regex(keyless.stderr, /the\.key cannot be read/);
    t.is((await place.run('keygen', 'the.key')).code, 0);

    place.addHost('{ name: lost, host: 127.0.0.1, port: 1 }');
    const first = await place.run('up', '--json', '--bin', old);
    t.is(first.code, 3, first.stderr);
    t.regex(first.stderr, /lost: cannot connect to lost by SSH/);
    t.regex(first.stderr, /1 of 3 hosts failed \(lost\)/);
    t.deepEqual(
      rowsOf(first).map(({ state }) => state),
      ['healthy', 'healthy', 'failed'],
    );
    const key = join(place.dir(0), 'cluster.key');
    t.is(statSync(key).mode & 0o777, 0o600);
    t.is(readFileSync(key, 'utf8'), readFileSync(join(place.home, 'the.key'), 'utf8'));

    place.removeHost('lost');
    const pids = place.pids();
    const told = await place.run('up', '--json', '--bin', fresh);
    t.is(told.code, 0, told.stderr);
    for (const { action } of rowsOf(told)) t.regex(action, /left running another version/);
    t.deepEqual(place.pids(), pids);

    const restarted = await place.run('up', '--json', '--bin', fresh, '--restart');
    t.is(restarted.code, 0, restarted.stderr);
    for (const { action, state, version } of rowsOf(restarted)) {
      t.regex(action, /restarted/);
      t.is(state, 'healthy');
      t.regex(version ?? '', /^0\.0\.2 /);
    }
    t.false(pids.some(isRunning));

    await place.run('keygen', 'other.key');
    const foreign = await place.run('up', '--bin', fresh, '--key-file', 'other.key');
    t.is(foreign.code, 3, foreign.stderr);
    t.regex(foreign.stderr, /runs with another cluster key than .*other\.key/);
    t.is((await place.run('down', '--clean')).code, 0);
  },
);

testUnless(missing, 'a node that ends at once fails its host with its own words', async (t) => {
  t.timeout(LONG_MS);
  const program = await scriptProgram(join(tmpDir(t), 'program'));
  const place = await Provisioned.make(t, 1);
  const first = await place.run('up', '--bin', program);
  t.is(first.code, 0, first.stderr);
  t.is((await place.run('down')).code, 0);
  place.spoilData(0);
  const spoiled = await place.run('up', '--bin', program);
  t.is(spoiled.code, 3, spoiled.stderr);
  t.regex(spoiled.stderr, /the node on vm1 has ended again, saying: .*data/);
  t.is((await place.run('down', '--clean')).code, 0);
});

testUnless(
  missing,
  'a run with --hosts starts the cluster that it needs with the named file, and goes on to the end of the job',
  async (t) => {
    t.timeout(LONG_MS);
    const program = await scriptProgram(join(tmpDir(t), 'program'));
    const place = await Provisioned.make(t, 2);
    writeFileSync(join(place.home, 'in.txt'), 'alpha\nbeta\n');
    writeFileSync(join(place.home, 'shout.py'), shout);
    const line = (to: string) => [
      ...['--hosts', 'hosts.yaml', program, '1', '2', 'shout.py', 'none', 'transform'],
      ...['1', 'in.txt', 'false', '0', '0', '0', to, 'true'],
    ];
    const first = await place.run(...line('out.txt'));
    t.log(first.stderr);
    t.regex(first.stderr, /vm1: starting/);
    t.regex(first.stderr, /vm2: healthy/);
    t.is(first.code, 2, 'the new cluster does not have the source yet');
    const [, typed = ''] = first.stderr.match(/put it there with `(.*)` and run/) ?? [];
    const pids = place.pids();
    t.true(pids.every(isRunning));
    const stored = await place.shell(typed);
    t.is(stored.code, 0, stored.stderr);

    const second = await place.run(...line('out.txt'));
    t.is(second.code, 0, second.stderr);
    t.notRegex(
      second.stderr,
      /vm\d: (copying|starting)/,
      'the cluster that runs is taken as it is',
    );
    t.deepEqual(place.pids(), pids);
    const printed = await place.shell(typed.replace(/ fs create in\.txt \S+/, ' fs cat out.txt'));
    const lines = ['ALPHA', 'BETA'].map((word, i) => `in.txt:${i}: ${word}`);
    t.deepEqual(printed.stdout.trimEnd().split('\n').toSorted(), lines, printed.stderr);

    t.is((await place.run('down')).code, 0);
    const third = await place.run('--print', ...line('again.txt'));
    t.is(third.code, 0, third.stderr);
    t.regex(third.stderr, /vm1: starting/, 'no cluster ran');
    t.deepEqual(third.stdout.trimEnd().split('\n').toSorted(), lines, third.stderr);
    t.is((await place.run('down', '--clean')).code, 0);
  },
);

testUnless(missing, 'an unknown host is refused before anything is sent there', async (t) => {
  const place = await Provisioned.make(t, 1);
  writeFileSync(join(place.home, '.ssh', 'known_hosts'), '');
  const program = join(place.home, 'program');
  writeFileSync(program, 'never copied');
  const refused = await place.run('up', '--bin', program);
  t.is(refused.code, 3, refused.stderr);
  t.regex(refused.stderr, /host key of vm1 is not known \(ssh-ed25519 SHA256:/);
  t.regex(refused.stderr, /ssh-keyscan -p \d+ 127\./);
  t.false(existsSync(place.dir(0)));
});
