import test from 'ava';
import { type FaultCode, isFault } from '../../src/core/index.ts';
import { checkName, placeOf } from '../../src/hydfs/index.ts';
import { collect, microtasks, openFiles, ROOT, simDisk, textOf } from './helpers.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function faultOf(promise: Promise<unknown>): Promise<FaultCode | string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return isFault(error) ? error.code : String(error);
  }
}

test('a file is created once, whoever else tries at the same time', async (t) => {
  const files = await openFiles(simDisk().mount());
  const tries = await Promise.all([1, 2, 3].map(() => faultOf(files.create('a/b'))));
  t.deepEqual(tries.sort(), ['FILE_EXISTS', 'FILE_EXISTS', 'none']);
  t.deepEqual(await files.stat('a/b'), {
    name: 'a/b',
    fileId: placeOf('a/b').fileId,
    length: 0,
    trimmedTo: 0,
    createdAt: 1_750_000_000_123,
    writers: 0,
    replicas: ['local'],
  });
  await files.close();
});

test('a creation that is asked for again with its token has succeeded, over restarts and segments', async (t) => {
  const disk = simDisk();
  const first = await openFiles(disk.mount(), { segmentBytes: 300 });
  const tries = [1, 2, 3].map(() => first.create('f', 'mine'));
  for (const { createdAt } of await Promise.all(tries)) t.is(createdAt, 1_750_000_000_123);
  for (let i = 0; i < 30; i++) await first.append('f', bytes(`${i} ${'x'.repeat(40)}\n`));
  await first.trim('f', 1_000);
  const { length } = await first.stat('f');
  await first.close();
  const files = await openFiles(disk.mount(), { segmentBytes: 300 });
  t.is((await files.create('f', 'mine')).length, length);
  for (const token of ['other', '', undefined]) {
    t.is(await faultOf(files.create('f', token)), 'FILE_EXISTS');
  }
  await files.remove('f');
  await files.create('f');
  t.is(await faultOf(files.create('f', '')), 'FILE_EXISTS', 'no token is nobody’s');
  await files.close();
});

test('files come back after a restart with their writers', async (t) => {
  const disk = simDisk();
  const first = await openFiles(disk.mount(), { segmentBytes: 300 });
  const writer = await first.openWriter('f', 'w', 4, { create: true });
  t.deepEqual([writer.position.seq, writer.position.meta.length], [0, 0]);
  for (let seq = 1; seq <= 30; seq++) {
    await writer.append({ seq, parts: [bytes(`<${seq}`), bytes('>')], meta: bytes(`m${seq}`) });
  }
  await first.close();
  const files = await openFiles(disk.mount(), { segmentBytes: 300 });
  const expected = Array.from({ length: 30 }, (_, i) => `<${i + 1}>`).join('');
  t.is(await textOf(files.read('f')), expected);
  t.is((await files.stat('f')).length, expected.length);
  const next = await files.openWriter('f', 'w', 5);
  t.is(next.position.seq, 30);
  t.is(Buffer.from(next.position.meta).toString(), 'm30');
  await next.append({ seq: 30, parts: [bytes('again')] });
  await next.append({ seq: 31, parts: [bytes('!')] });
  t.is(await textOf(files.read('f')), `${expected}!`);
  await files.close();
});

test('a writer that was replaced is fenced, before and after a restart', async (t) => {
  const disk = simDisk();
  const first = await openFiles(disk.mount());
  const old = await first.openWriter('f', 'w', 1, { create: true });
  await old.append({ seq: 1, parts: [bytes('a')] });
  await first.openWriter('f', 'w', 2);
  t.is(await faultOf(old.append({ seq: 2, parts: [bytes('b')] })), 'FENCED');
  t.is(await faultOf(old.append({ seq: 1, parts: [bytes('a')] })), 'FENCED');
  t.is(await faultOf(first.openWriter('f', 'w', 1)), 'FENCED');
  await first.close();
  const files = await openFiles(disk.mount());
  t.is(await faultOf(files.openWriter('f', 'w', 1)), 'FENCED');
  t.is((await files.openWriter('f', 'w', 2)).position.seq, 1);
  await files.close();
});

test('a gap in the numbers is refused', async (t) => {
  const files = await openFiles(simDisk().mount());
  const writer = await files.openWriter('f', 'w', 1, { create: true });
  t.is(await faultOf(writer.append({ seq: 2, parts: [bytes('b')] })), 'WRITER_GAP');
  await writer.append({ seq: 1, parts: [bytes('a')] });
  await files.close();
});

test('a repeat is acknowledged only when its original is durable', async (t) => {
  const disk = simDisk();
  const files = await openFiles(disk.mount());
  const writer = await files.openWriter('f', 'w', 1, { create: true });
  const gate = Promise.withResolvers<void>();
  disk.gate = gate.promise;
  const acked: string[] = [];
  const original = writer
    .append({ seq: 1, parts: [bytes('a')] })
    .then(() => acked.push('original'));
  const repeat = writer.append({ seq: 1, parts: [bytes('a')] }).then(() => acked.push('repeat'));
  await microtasks(50);
  t.deepEqual(acked, []);
  t.is((await files.stat('f')).length, 0, 'what is not durable is not counted');
  t.is(await textOf(files.read('f')), '');
  gate.resolve();
  await Promise.all([original, repeat]);
  t.is(await textOf(files.read('f')), 'a');
  await files.close();
});

test('a repeat of an append that failed fails too', async (t) => {
  const disk = simDisk();
  const files = await openFiles(disk.mount());
  const writer = await files.openWriter('f', 'w', 1, { create: true });
  await writer.append({ seq: 1, parts: [bytes('a')] });
  disk.failingSyncs = 1;
  const original = faultOf(writer.append({ seq: 2, parts: [bytes('b')] }));
  t.is(await faultOf(writer.append({ seq: 2, parts: [bytes('b')] })), 'DISK_FAILED');
  t.is(await original, 'DISK_FAILED');
  t.is(await faultOf(writer.append({ seq: 3, parts: [bytes('c')] })), 'DISK_FAILED');
  t.is(await textOf(files.read('f')), 'a', 'what was acknowledged is still served');
  t.is(await faultOf(files.create('other')), 'none', 'other files go on');
  await files.close();
});

test('reads are exact byte ranges', async (t) => {
  const files = await openFiles(simDisk().mount(), { segmentBytes: 120 });
  const writer = await files.openWriter('f', 'w', 1, { create: true });
  let text = '';
  for (let seq = 1; seq <= 12; seq++) {
    const data = `${seq}.`.repeat(seq);
    text += data;
    await writer.append({ seq, parts: [bytes(data)] });
  }
  for (let from = 0; from <= text.length + 1; from++) {
    t.is(await textOf(files.read('f', { from })), text.slice(from));
    for (const to of [from, from + 1, from + 17]) {
      t.is(await textOf(files.read('f', { from, to })), text.slice(from, to));
    }
  }
  t.is(await textOf(files.read('f', { from: 5, to: 3 })), '');
  await files.close();
});

test('entries tell opens and appends with writer, epoch, number, meta and offset', async (t) => {
  const files = await openFiles(simDisk().mount());
  const writer = await files.openWriter('f', 'w', 7, { create: true });
  await writer.append({ seq: 1, parts: [bytes('one')], meta: bytes('m') });
  await files.append('f', bytes('anon'));
  await files.openWriter('f', 'v', 2);
  const rows = async (fromOffset?: number): Promise<string[]> => {
    const options = fromOffset === undefined ? {} : { fromOffset };
    const found = await collect(files.entries('f', options));
    return found.map(
      (e) =>
        `${e.kind} ${e.offset} ${e.writer}/${e.epoch}/${e.seq} ${text(e.meta)} ${text(e.data)}`,
    );
  };
  const text = (data: Uint8Array): string => Buffer.from(data).toString();
  const all = ['open 0 w/7/0  ', 'append 0 w/7/1 m one', 'append 3 /0/0  anon', 'open 7 v/2/0  '];
  t.deepEqual(await rows(), all);
  t.deepEqual(await rows(2), all.slice(1));
  t.deepEqual(await rows(3), all.slice(2));
  t.deepEqual(await rows(7), all.slice(3));
  await files.close();
});

test('a tail follows what becomes durable until it is stopped', async (t) => {
  const files = await openFiles(simDisk().mount(), { segmentBytes: 150 });
  await files.create('f');
  await files.append('f', bytes('skip'));
  const stop = new AbortController();
  let seen = '';
  const tailing = (async () => {
    for await (const data of files.tail('f', { from: 2, signal: stop.signal })) {
      seen += Buffer.from(data).toString();
      if (seen.endsWith('end')) stop.abort();
    }
  })();
  for (const text of ['some ', 'more ', 'and more ', 'end']) {
    await microtasks(100);
    await files.append('f', bytes(text));
  }
  await tailing;
  t.is(seen, 'ipsome more and more end');
  await files.close();
});

test('trim frees whole segments, and what is gone is said to be gone', async (t) => {
  const disk = simDisk();
  const first = await openFiles(disk.mount(), { segmentBytes: 400 });
  const writer = await first.openWriter('f', 'w', 1, { create: true });
  for (let seq = 1; seq <= 40; seq++) await writer.append({ seq, parts: [bytes('0123456789')] });
  await first.trim('f', 205);
  const { trimmedTo, length } = await first.stat('f');
  t.true(trimmedTo >= 100 && trimmedTo <= 205, String(trimmedTo));
  t.is(length, 400);
  t.is(await faultOf(collect(first.read('f', { from: trimmedTo - 1 }))), 'FILE_TRIMMED');
  t.is(await faultOf(collect(first.entries('f', { fromOffset: 0 }))), 'FILE_TRIMMED');
  t.is((await textOf(first.read('f'))).length, 400 - trimmedTo);
  t.is((await collect(first.entries('f', { fromOffset: 200 })))[0].offset, 200);
  await first.close();
  const files = await openFiles(disk.mount());
  t.is((await files.stat('f')).trimmedTo, trimmedTo);
  t.is((await files.openWriter('f', 'w', 2)).position.seq, 40);
  await files.trim('f', 0);
  t.is((await files.stat('f')).trimmedTo, trimmedTo);
  await files.close();
});

test('names are listed without opening the files', async (t) => {
  const disk = simDisk();
  const first = await openFiles(disk.mount());
  for (const name of ['b/2', 'a', 'b/1', 'ä ö']) await first.create(name);
  await first.append('a', Buffer.alloc(100_000));
  await first.close();
  const files = await openFiles(disk.mount());
  const before = disk.stats;
  const { bytesRead, writes } = { ...before };
  t.deepEqual(await files.list(), ['a', 'b/1', 'b/2', 'ä ö']);
  t.deepEqual(await files.list('b/'), ['b/1', 'b/2']);
  t.true(before.bytesRead - bytesRead < 20_000, String(before.bytesRead - bytesRead));
  t.is(before.writes, writes);
  await files.close();
});

test('a removed file is gone, its writers are refused and its name is free', async (t) => {
  const disk = simDisk();
  const files = await openFiles(disk.mount());
  const writer = await files.openWriter('f', 'w', 1, { create: true });
  await writer.append({ seq: 1, parts: [bytes('old')] });
  const stop = new AbortController();
  const tailing = textOf(files.tail('f', { signal: stop.signal }));
  await files.remove('f');
  t.is(await tailing, 'old');
  t.is(await faultOf(writer.append({ seq: 2, parts: [bytes('x')] })), 'LOG_CLOSED');
  t.is(await faultOf(files.remove('f')), 'FILE_MISSING');
  t.is(await faultOf(files.stat('f')), 'FILE_MISSING');
  t.is(await faultOf(files.openWriter('f', 'w', 2)), 'FILE_MISSING');
  t.deepEqual(await files.list(), []);
  t.deepEqual(disk.paths(ROOT), []);
  await files.create('f');
  t.is(await textOf(files.read('f')), '');
  t.deepEqual(await files.list(), ['f']);
  await files.close();
  t.is(await faultOf(files.stat('f')), 'LOG_CLOSED');
});

test('wherever a creation or a removal is cut off, a file is there or not', async (t) => {
  let [made, gone] = [0, 0];
  for (let step = 1; step < 40; step++) {
    const disk = simDisk(step);
    const first = await openFiles(disk.mount());
    disk.diesAtStep = disk.steps + step;
    const created = await faultOf(first.create('f'));
    const filled = await faultOf(first.append('f', bytes('data')));
    const removed = await faultOf(first.remove('f'));
    disk.crash({ reorder: true });
    const files = await openFiles(disk.mount());
    const there = await faultOf(files.stat('f'));
    if (removed === 'none') t.is(there, 'FILE_MISSING');
    else if (filled === 'none' && there === 'none') t.is(await textOf(files.read('f')), 'data');
    else if (created !== 'none' || there === 'none') t.regex(there, /none|FILE_MISSING/);
    t.deepEqual(await files.list(), there === 'none' ? ['f'] : []);
    t.is(await faultOf(files.create('f')), there === 'none' ? 'FILE_EXISTS' : 'none');
    t.deepEqual(disk.paths(`${ROOT}/trash`), []);
    made += there === 'none' ? 1 : 0;
    gone += removed === 'none' ? 1 : 0;
    await files.close();
  }
  t.true(made > 3 && gone > 3, `${made} made, ${gone} gone`);
});

test('names with bad parts, bad lengths or bad characters are refused', async (t) => {
  const files = await openFiles(simDisk().mount());
  const bad = [
    '',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/../b',
    './a',
    'a\0b',
    'é'.repeat(128),
    '\ud800',
  ];
  for (const name of bad) {
    t.is(await faultOf(files.create(name)), 'INVALID_NAME', JSON.stringify(name));
    t.is(await faultOf(files.openWriter(name, 'w', 1, { create: true })), 'INVALID_NAME');
    t.is(await faultOf(files.remove(name)), 'INVALID_NAME');
    t.is(await faultOf(collect(files.read(name))), 'INVALID_NAME');
  }
  for (const name of ['a', '...', '.a', 'a b/c d', 'é'.repeat(127), '-rf', '$(x)', 'C:\\x']) {
    t.notThrows(() => checkName(name), name);
    t.is(await faultOf(files.create(name)), 'none');
  }
  await files.close();
});

test('no name of a file is part of a path on disk', async (t) => {
  const disk = simDisk();
  const files = await openFiles(disk.mount());
  await files.create('secret-name/of-a-user');
  for (const path of disk.paths()) {
    t.regex(
      path,
      /^\/data\/hydfs\/files\/[0-9a-f]{4}\/[0-9a-f]{32}\/[0-9a-f]{16}-[0-9a-f]{8}\.seg$/,
    );
  }
  const point = placeOf('secret-name/of-a-user').fileId;
  t.true(disk.paths()[0].includes(`/files/${point.toString(16).padStart(4, '0')}/`));
  await files.close();
});

test('names spread evenly over the ring', (t) => {
  const counts = new Uint32Array(1024);
  for (let i = 0; i < 102_400; i++) counts[placeOf(`file-${i}`).fileId] += 1;
  t.true(Math.min(...counts) > 50 && Math.max(...counts) < 160);
});

test('a refused append leaves its number free, and no trace in the file', async (t) => {
  const disk = simDisk();
  const files = await openFiles(disk.mount());
  const writer = await files.openWriter('f', 'w', 1, { create: true });
  const piece = new Uint8Array(1024 * 1024);
  const tooLarge = Array.from({ length: 257 }, () => piece);
  const told = await Promise.all([
    faultOf(writer.append({ seq: 1, parts: [bytes('x')] })),
    faultOf(writer.append({ seq: 2, parts: tooLarge })),
    faultOf(writer.append({ seq: 2, parts: [bytes('y')] })),
  ]);
  t.deepEqual(told, ['none', 'ENTRY_TOO_LARGE', 'none']);
  t.is((await files.stat('f')).length, 2);
  t.is(await textOf(files.read('f')), 'xy');
  await files.close();
  const again = await openFiles(disk.mount());
  t.is(await textOf(again.read('f')), 'xy');
  t.is((await again.openWriter('f', 'w', 2)).position.seq, 2);
  await again.close();
});
