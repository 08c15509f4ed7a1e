import test from 'ava';
import { fault } from '../../src/core/index.ts';
import { encodeMessage, fromWireFault, toWireFault } from '../../src/wire/index.ts';

test('a fault is the same fault at the other end', (t) => {
  const here = fault('FENCED', { writer: 'count[0]', name: 'wal', epoch: 3, newest: 4 });
  const there = fromWireFault(toWireFault(here), 'n1');
  t.is(there.code, 'FENCED');
  t.is(there.message, here.message);
  t.deepEqual(there.parameters, here.parameters);
});

test('a fault that this program does not know keeps its sentence', (t) => {
  const there = fromWireFault({ code: 'NEW', message: 'no more tea', parameters: {} }, 'n1');
  t.is(there.code, 'REMOTE_FAILED');
  t.is(there.message, 'n1 reports NEW: no more tea');
});

test('a known code with other parameters or another sentence is not passed off as known', (t) => {
  for (const code of ['FENCED', 'constructor', '__proto__'])
    t.is(fromWireFault({ code, message: 'x', parameters: { a: 1 } }, 'n1').code, 'REMOTE_FAILED');
});

test('what was thrown without being a fault is told by its message', (t) => {
  const there = fromWireFault(toWireFault(new Error('boom')), 'n1');
  t.is(there.message, 'n1 reports UNEXPECTED: boom');
});

test('texts too long to travel are cut, and the fault is still known', (t) => {
  const here = fault('USAGE', { problem: '日'.repeat(50_000) });
  const wire = toWireFault(here);
  t.notThrows(() => encodeMessage({ kind: 'failure', id: 1, fault: wire }));
  t.is(fromWireFault(wire, 'n1').code, 'USAGE');
  t.notThrows(() =>
    encodeMessage({ kind: 'goodbye', fault: toWireFault(new Error('x'.repeat(1e6))) }),
  );
});
