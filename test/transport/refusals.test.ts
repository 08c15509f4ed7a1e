import { statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  isFault,
  type LogFields,
  type Logger,
  silentLog,
  systemClock,
} from '../../src/core/index.ts';
import { plainSockets, TcpTransport } from '../../src/transport/index.ts';
import { Refusals } from '../../src/transport/refusals.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';
import { keyed } from './helpers/door.ts';
import { farId } from './helpers/harness.ts';
import { ManualClock } from './helpers/manual-clock.ts';

test('a flood of refusals is one line in ten seconds, and none is forgotten', (t) => {
  const lines: LogFields[] = [];
  const log: Logger = { ...silentLog, warn: (_message, fields) => lines.push(fields ?? {}) };
  const clock = new ManualClock();
  const refusals = new Refusals(clock, log);
  for (let i = 0; i < 5_000; i++) refusals.note('10.0.0.1', 'x'.repeat(10_000));
  t.is(lines.length, 1);
  t.is(lines[0].unreported, 0);
  t.true(String(lines[0].reason).length <= 300);
  clock.advance(10_000);
  refusals.note('10.0.0.2', 'too many');
  t.deepEqual(lines[1], { from: '10.0.0.2', reason: 'too many', unreported: 4_999 });
});

test('a unix socket lets in its user only', async (t) => {
  const path = join(tmpDir(t), 'node.sock');
  const transport = new TcpTransport({ identity: farId, clock: systemClock });
  const listener = await transport.listen(`unix:${path}`, (connection) => connection.close());
  t.is(statSync(path).mode & 0o777, 0o600);
  await listener.close();
});

test('only with a key may a node listen where other machines reach it', async (t) => {
  const listen = (secure = plainSockets) =>
    new TcpTransport({ identity: farId, clock: systemClock, secure }).listen(
      // an address for documentation: nobody has it, so that nothing is opened (RFC 5737)
      '192.0.2.1:0',
      (connection) => connection.close(),
    );
  t.true(isFault(await t.throwsAsync(listen()), 'KEY_REQUIRED'));
  t.true(isFault(await t.throwsAsync(listen(keyed())), 'LISTEN_FAILED'));
});
