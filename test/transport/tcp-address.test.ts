import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { isFault, systemClock } from '../../src/core/index.ts';
import { isLoopback, parseAddress } from '../../src/transport/address.ts';
import { plainSockets, TcpTransport } from '../../src/transport/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { nearId } from './helpers/harness.ts';

const transport = new TcpTransport({ identity: nearId, clock: systemClock });

test('addresses are host:port, [ipv6]:port or unix:/path', (t) => {
  t.deepEqual(parseAddress('h-1.example:7400'), { kind: 'tcp', host: 'h-1.example', port: 7400 });
  t.deepEqual(parseAddress('[::1]:0'), { kind: 'tcp', host: '::1', port: 0 });
  t.deepEqual(parseAddress('unix:/run/a b.sock'), { kind: 'unix', path: '/run/a b.sock' });
  const wrong = [
    '',
    'h',
    ':1',
    'h:',
    'h:x',
    'h:65536',
    'a::b:1',
    'unix:',
    `unix:/${'x'.repeat(107)}`,
  ];
  for (const address of wrong) {
    const error = t.throws(() => parseAddress(address), undefined, address);
    t.true(isFault(error, 'ADDRESS_INVALID'), address);
  }
});

test('without a key only this machine is listened to', async (t) => {
  for (const address of ['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'localhost:1', 'unix:/x'])
    t.true(isLoopback(parseAddress(address)), address);
  const others = ['0.0.0.0:0', '[::]:0', '10.0.0.1:0', 'example.org:0', '127.0.0.1.example.org:0'];
  for (const address of others) {
    const error = await t.throwsAsync(transport.listen(address, () => t.fail()));
    t.true(isFault(error, 'KEY_REQUIRED'), address);
    t.true(error?.message.includes(address));
  }
});

test('sockets that prove a key may listen anywhere', async (t) => {
  // the guard asks the factory and nothing else; the address is one that every machine has
  const secure = { ...plainSockets, secure: true };
  const keyed = new TcpTransport({ identity: nearId, clock: systemClock, secure });
  const listener = await keyed.listen('0.0.0.0:0', (connection) => connection.close());
  t.regex(listener.address, /^0\.0\.0\.0:[1-9]\d*$/);
  await listener.close();
});

test('an address of another machine cannot be listened on', async (t) => {
  const secure = { ...plainSockets, secure: true };
  const keyed = new TcpTransport({ identity: nearId, clock: systemClock, secure });
  const error = await t.throwsAsync(keyed.listen('192.0.2.1:0', () => t.fail()));
  t.true(isFault(error, 'LISTEN_FAILED'), String(error));
});

test('the socket file of a killed process is taken over', async (t) => {
  const path = join(tmpDir(t), 'node.sock');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log(1))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const error = await t.throwsAsync(transport.listen(`unix:${path}`, () => t.fail()));
  t.true(isFault(error, 'PORT_IN_USE'), 'a process that lives keeps its socket');
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.true(existsSync(path));
  const listener = await transport.listen(`unix:${path}`, (connection) => connection.close());
  t.is(listener.address, `unix:${path}`);
  const connection = await transport.connect(listener.address);
  connection.close();
  await listener.close();
  t.false(existsSync(path));
});
