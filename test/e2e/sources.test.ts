import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { copiedLines, type SourceFile, sortedLines } from './helpers/oracle.ts';
import { Place, range, same } from './helpers/place.ts';

const LINE_MAX = 16 * 1024 * 1024;

const shapes: readonly SourceFile[] = [
  { name: 'plain.txt', bytes: Buffer.from('one\ntwo\nthree\n') },
  { name: 'no newline at the end.txt', bytes: Buffer.from('one\n\nlast') },
  { name: 'crlf.txt', bytes: Buffer.from('a\r\n\r\nb\r\r\nlo\rne\n\rfirst\r\nlast\r') },
  { name: 'empty.txt', bytes: Buffer.alloc(0) },
  { name: 'only newlines.txt', bytes: Buffer.from('\n'.repeat(5000)) },
  { name: 'one newline', bytes: Buffer.from('\n') },
  { name: 'Straßenschilder ü 標識.csv', bytes: Buffer.from('Große Straße,標識\n"x, y"\n') },
  { name: "it's #1: a-b.txt", bytes: Buffer.from('key: value\nforward\nfilter\nvalue: \n') },
  { name: 'bytes.bin', bytes: Buffer.from(range(0, 4 * 256).map((i) => (i * 7) & 0xff)) },
  { name: 'sub/in.txt', bytes: Buffer.from('below\n') },
];

test.serial(
  'lines of any bytes in any number of files become `<file>:<line>` and the line',
  async (t) => {
    const place = new Place(t);
    for (const { name, bytes } of shapes) place.write(name, bytes);
    const said = await place.done(
      t,
      place.job({ sources: shapes.map(({ name }) => name), stages: [{ ...same, tasks: 2 }] }),
    );
    const expected = copiedLines(shapes);
    t.deepEqual(sortedLines(place.bytes()), expected);
    t.true(said.includes(`tuples in           ${expected.length.toLocaleString('en')}`), said);
  },
);

test.serial(
  'a job over nothing but an empty file is done and leaves an empty destination',
  async (t) => {
    const place = new Place(t);
    place.write('in.txt', '');
    await place.done(t, place.job({ sources: ['in.txt'], stages: [same] }));
    t.is(place.text(), '');
  },
);

test.serial('files of HyDFS are read and written under their names', async (t) => {
  const place = new Place(t);
  await place.run(['fs', 'create', 'dir/in put.txt']);
  await place.run(['fs', 'append', 'dir/in put.txt', '-'], 'one\r\ntwo\nlast');
  await place.done(
    t,
    place.job({
      sources: ['hydfs:dir/in put.txt'],
      stages: [same],
      sink: { file: 'hydfs:dir/out', format: 'tsv' },
    }),
  );
  const { stdout } = await place.run(['fs', 'cat', 'dir/out']);
  t.deepEqual(
    stdout.split('\n').sort(),
    ['', ...['one', 'two', 'last'].map((v, i) => `hydfs:dir/in put.txt:${i}\t${v}`)].sort(),
  );
  t.deepEqual(place.files(), ['job.yaml']);
});

for (const transport of ['in-process', 'tcp']) {
  test.serial(`a line of 16 MiB passes every layer (${transport})`, async (t) => {
    const place = new Place(t);
    const long = Buffer.alloc(LINE_MAX, 'x');
    long[0] = 0xff;
    long[LINE_MAX - 1] = 0x0d; // a lone CR is a part of the line
    place.write('in.bin', Buffer.concat([Buffer.from('short\n'), long, Buffer.from('\r\nshort')]));
    const words = place.job({
      sources: ['in.bin'],
      stages: [same, { name: 'keep', type: 'aggregate', run: 'identity' }],
      sink: { file: 'out.bin', format: 'value' },
    });
    await place.done(t, [...words, '--transport', transport, '--sync', 'os']);
    const expected = Buffer.concat([Buffer.from('short\n'), long, Buffer.from('\nshort\n')]);
    t.is(Buffer.compare(place.bytes('out.bin'), expected), 0);
  });
}

for (const [what, ending] of [
  ['with', '\n'],
  ['without', ''],
]) {
  test.serial(
    `a line of 16 MiB and a byte is refused by its number (${what} a newline)`,
    async (t) => {
      const place = new Place(t);
      const tooLong = Buffer.alloc(LINE_MAX + 1, 'x').toString('latin1') + ending;
      place.write('in.txt', `zero\none\n${tooLong}`);
      const ended = await place.run(place.job({ sources: ['in.txt'], stages: [same] }));
      t.is(ended.code, 1);
      t.regex(
        ended.stderr,
        /rainstorm: the job job failed: job\/source\[0\]: the line in\.txt:2 is longer than 16 MiB; split it .*\n$/,
      );
    },
  );
}

test.serial(
  'a source that grows, shrinks or changes while it is read is an error, never a mixture',
  async (t) => {
    const changes: readonly (readonly [RegExp, (path: string, text: string) => void])[] = [
      [
        /it grew from \d+ to \d+ bytes, and `follow` is off/,
        (p, text) => writeFileSync(p, `${text}new\n`),
      ],
      [/it shrank from \d+ to 4 bytes/, (p) => writeFileSync(p, 'new\n')],
      [/it was modified/, (p, text) => writeFileSync(p, text.replaceAll('l', 'k'))],
      [/it was modified/, (p) => utimesSync(p, 1, 1)],
    ];
    for (const [how, change] of changes) {
      const place = new Place(t);
      const text = range(0, 150)
        .map((i) => `line ${i}\n`)
        .join('');
      const path = place.write('in.txt', text);
      const running = place.start(
        place.job({ sources: [{ file: 'in.txt', rate: 200 }], stages: [same] }),
      );
      await place.untilLines(10);
      change(path, text);
      const { code, stderr } = await running.ended;
      t.is(code, 1);
      t.regex(
        stderr,
        /rainstorm: the job job failed: job\/source\[0\]: the source .*in\.txt changed while .*: /,
      );
      t.regex(stderr, how);
    }
  },
);

test.serial(
  'a file of HyDFS that grows while it is read ends where it ended at the start',
  async (t) => {
    const place = new Place(t);
    await place.run(['fs', 'create', 'in']);
    const text = range(0, 150)
      .map((i) => `line ${i}\n`)
      .join('');
    await place.run(['fs', 'append', 'in', '-'], text);
    const running = place.start(
      place.job({
        sources: [{ file: 'hydfs:in', rate: 200 }],
        stages: [same],
        sink: { file: 'out.txt', format: 'value' },
      }),
    );
    await place.untilLines(10);
    await place.run(['fs', 'append', 'in', '-'], 'more\n');
    const { code, stderr } = await running.ended;
    t.is(code, 0, stderr);
    t.is(place.text(), text);
  },
);

test.serial('what is no readable file is refused before there is a job', async (t) => {
  const place = new Place(t);
  mkdirSync(place.path('folder'));
  execFileSync('mkfifo', [place.path('pipe')]);
  place.write('file', '');
  symlinkSync('loop', place.path('loop'));
  symlinkSync('nowhere', place.path('dangling'));
  const refusals: readonly (readonly [string, RegExp])[] = [
    ['missing.txt', /the source \S+\/missing\.txt does not exist; check the path, .*/],
    ['dangling', /the source \S+\/dangling does not exist; .*/],
    ['folder', /the source \S+\/folder cannot be read \(it is a directory\); .*/],
    ['pipe', /the source \S+\/pipe cannot be read \(it is not a regular file\); .*/],
    ['/dev/null', /the source \/dev\/null cannot be read \(it is not a regular file\); .*/],
    ['file/below', /the source \S+\/file\/below cannot be read \(ENOTDIR: .*\); .*/],
    ['loop', /the source \S+\/loop cannot be read \(ELOOP: .*\); .*/],
    ['hydfs:missing', /the source hydfs:missing does not exist; .*/],
  ];
  const before = place.files();
  for (const [file, says] of refusals) {
    const { code, stderr } = await place.run(place.job({ sources: [file], stages: [same] }));
    t.is(code, 2, stderr);
    t.regex(stderr, new RegExp(`^rainstorm: ${says.source}\n$`));
  }
  t.deepEqual(await place.list('jobs'), []);
  t.deepEqual(await place.list('fs', 'ls'), []);
  t.deepEqual(place.files(), [...before, 'job.yaml'].sort());
});
