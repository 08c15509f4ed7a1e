import test from 'ava';
import fc from 'fast-check';
import {
  decodeEntry,
  decodeSnapshot,
  encodeRequest,
  encodeSnapshot,
} from '../../src/hydfs/file-entry.ts';
import {
  ANONYMOUS,
  emptyFile,
  type FileRequest,
  type FileState,
  fileCore,
  type Outcome,
} from '../../src/hydfs/index.ts';

const opened = (writer: string, epoch: number): FileRequest => ({ kind: 'open', writer, epoch });

function appended(writer: string, epoch: number, seq: number, text = 'data'): FileRequest {
  const meta = Uint8Array.of(seq & 255);
  return { kind: 'append', writer, epoch, seq, bytes: text.length, meta };
}

/** Decides, and applies what is logged. */
function step(state: FileState, request: FileRequest, index: number): Outcome {
  const outcome = fileCore.decide(state, request);
  if (outcome.kind === 'logged') fileCore.apply(state, request, index);
  return outcome;
}

test('the numbers of a writer take effect once, in order', (t) => {
  const state = emptyFile('f', 1);
  t.deepEqual(step(state, appended('w', 1, 1), 0), { kind: 'not-open', newest: 0 });
  t.deepEqual(step(state, opened('w', 3), 1), { kind: 'logged' });
  t.deepEqual(step(state, appended('w', 3, 2), 2), { kind: 'gap', expected: 1 });
  t.deepEqual(step(state, appended('w', 3, 1), 2), { kind: 'logged' });
  t.deepEqual(step(state, appended('w', 3, 2), 3), { kind: 'logged' });
  t.deepEqual(step(state, appended('w', 3, 1), 4), { kind: 'repeat', index: 3 });
  t.is(state.length, 8);
});

test('after an open older epochs are fenced and newer ones unknown', (t) => {
  const state = emptyFile('f', 1);
  step(state, opened('w', 3), 0);
  step(state, appended('w', 3, 1), 1);
  t.deepEqual(step(state, opened('w', 2), 2), { kind: 'fenced', newest: 3 });
  t.deepEqual(step(state, opened('w', 3), 2), { kind: 'repeat', index: 1 });
  t.deepEqual(step(state, opened('w', 5), 2), { kind: 'logged' });
  t.deepEqual(step(state, appended('w', 3, 2), 3), { kind: 'fenced', newest: 5 });
  t.deepEqual(step(state, appended('w', 3, 1), 3), { kind: 'fenced', newest: 5 });
  t.deepEqual(step(state, appended('w', 6, 2), 3), { kind: 'not-open', newest: 5 });
  t.deepEqual(step(state, appended('w', 5, 2), 3), { kind: 'logged' });
});

test('writers do not hinder each other, and nobody numbers anonymous appends', (t) => {
  const state = emptyFile('f', 1);
  step(state, opened('a', 9), 0);
  step(state, opened('b', 1), 1);
  t.is(step(state, appended('b', 1, 1), 2).kind, 'logged');
  t.is(step(state, appended('a', 9, 1), 3).kind, 'logged');
  for (let index = 4; index < 7; index++) {
    t.is(step(state, appended(ANONYMOUS, 0, 0), index).kind, 'logged');
  }
  t.is(state.length, 20);
  t.is(state.writers.size, 2);
});

test('deciding changes nothing', (t) => {
  const state = emptyFile('f', 1);
  step(state, opened('w', 1), 0);
  step(state, appended('w', 1, 1), 1);
  const before = structuredClone(state);
  for (const request of [
    opened('w', 2),
    opened('x', 1),
    appended('w', 1, 2),
    appended('w', 1, 1),
  ]) {
    fileCore.decide(state, request);
  }
  t.deepEqual(state, before);
});

const request: fc.Arbitrary<FileRequest> = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), token: fc.string({ maxLength: 100 }) }),
  fc.record({
    kind: fc.constant('open' as const),
    writer: fc.constantFrom('a', 'b', 'größer'),
    epoch: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.maxSafeNat()),
  }),
  fc.record({
    kind: fc.constant('append' as const),
    writer: fc.constantFrom('a', 'b', 'größer', ANONYMOUS),
    epoch: fc.integer({ min: 1, max: 5 }),
    seq: fc.integer({ min: 1, max: 6 }),
    bytes: fc.nat(300),
    meta: fc.uint8Array({ maxLength: 200 }),
  }),
);

test('a file of before creations had tokens is read as one without', (t) => {
  const state = emptyFile('old', 5);
  t.deepEqual(decodeEntry(state, Uint8Array.of(0)).request, { kind: 'create', token: '' });
  const snapshot = Uint8Array.of(1, 3, 111, 108, 100, 5, 7, 1, 1, 119, 4, 2, 1, 9);
  const { name, createdAt, creation, length, byId } = decodeSnapshot(snapshot);
  t.deepEqual([name, createdAt, creation, length], ['old', 5, '', 7]);
  t.deepEqual(
    byId.map((writer) => [writer.name, writer.epoch, writer.seq, [...writer.meta]]),
    [['w', 4, 2, [9]]],
  );
});

test('replaying the log from any snapshot gives the same state and decisions', (t) => {
  const property = fc.property(fc.array(request, { maxLength: 60 }), fc.nat(60), (all, cut) => {
    const state = emptyFile('a name', 1_750_000_000_000);
    const log: { index: number; payload: Uint8Array }[] = [];
    let header = encodeSnapshot(state);
    let from = 0;
    all.forEach((each, i) => {
      if (i === cut) {
        header = encodeSnapshot(state);
        from = log.length;
      }
      if (fileCore.decide(state, each).kind !== 'logged') return;
      const head = encodeRequest(state, each);
      const data = Buffer.alloc(each.kind === 'append' ? each.bytes : 0, 'd');
      fileCore.apply(state, each, log.length);
      log.push({ index: log.length, payload: Buffer.concat([head, data]) });
    });
    const replica = decodeSnapshot(header);
    for (const { index, payload } of log.slice(from)) {
      const { request: logged } = decodeEntry(replica, payload);
      t.is(step(replica, logged, index).kind, 'logged');
    }
    t.deepEqual(encodeSnapshot(replica), encodeSnapshot(state));
    for (const each of all) {
      t.is(fileCore.decide(replica, each).kind, fileCore.decide(state, each).kind);
    }
  });
  t.notThrows(() => fc.assert(property, { numRuns: 300 }));
});
