/**
 * The shim is right when nobody can tell that it is there: each script below is run bare and through
 * the shim with the same input, and everything that can be seen from outside must be the same.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findPython } from '../../src/operator/index.ts';
import { BUNDLED, scratch } from './support.ts';

const SHIM = BUNDLED.path('rainstorm_shim.py') ?? '';
const INPUT = Buffer.from(
  'key: a\nvalue: b\r\x00\xff é\r\n\nkey: c\nvalue: last without newline',
  'latin1',
);

/** A folder with the script behind a symbolic link, and a module beside the real one. */
function place(t: ExecutionContext, text: string): string {
  const folder = scratch(t);
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real', 'script.py'), text);
  writeFileSync(join(folder, 'real', 'neighbour.py'), 'WORD = "found"\n');
  symlinkSync(join(folder, 'real', 'script.py'), join(folder, 'script.py'));
  return join(folder, 'script.py');
}

async function run(script: string, how: 'bare' | 'shim'): Promise<SpawnSyncReturns<Buffer>> {
  const { path } = await findPython('test', process.env);
  const args = [...(how === 'shim' ? [SHIM] : []), script, 'one', 'two words'];
  const env = { PATH: process.env.PATH, PYTHONIOENCODING: 'utf-8:surrogateescape' };
  return spawnSync(path, ['-B', ...args], { input: INPUT, env });
}

/** Scripts whose stdout, stderr and exit code must not depend on the shim. */
const scripts: Record<string, string> = {
  'iteration and print': 'import sys\nfor line in sys.stdin: print(repr(line), flush=True)\n',
  'readline and write': `import sys
while True:
    line = sys.stdin.readline()
    if not line: break
    n = sys.stdout.write(line)
    assert n == len(line), n
    sys.stdout.flush()
`,
  'readline with a size': 'import sys\nprint([sys.stdin.readline(3) for _ in range(9)])\n',
  'readlines and writelines': 'import sys\nsys.stdout.writelines(sys.stdin.readlines())\n',
  'read all': 'import sys\nprint(len(sys.stdin.read()), repr(sys.stdin.read()))\n',
  'read some': 'import sys\nprint(repr(sys.stdin.read(7)), repr(sys.stdin.readline()))\n',
  'input()': `import sys
try:
    while True: print(ascii(input()))
except EOFError as error: print("end", error)
`,
  'bytes in and out': `import sys
for line in sys.stdin.buffer:
    sys.stdout.buffer.write(line[::-1])
    sys.stdout.buffer.flush()
`,
  'text and bytes mixed, ordered by flush': `import sys
sys.stdout.write("a")
sys.stdout.flush()
sys.stdout.buffer.write(b"b")
sys.stdout.buffer.flush()
print("c", end="", flush=True)
sys.stdout.buffer.write(b"d")
`,
  'raw writes mixed, ordered by flush': `import os, sys
fd = sys.stdout.fileno()
print("a", flush=True)
os.write(fd, b"b\\n")
print("c", flush=True)
`,
  'a cached write': `import sys
write = sys.stdout.write
for i in range(3):
    write(str(i))
    sys.stdout.flush()
print()
`,
  'csv and json writers': `import csv, json, sys
csv.writer(sys.stdout, lineterminator="\\n").writerow(["a", "b,c"])
json.dump({"é": 1}, sys.stdout, ensure_ascii=False)
`,
  'wrong type': 'import sys\ntry: sys.stdout.write(b"x")\nexcept TypeError: print("TypeError")\n',
  reconfigure: `import sys
sys.stdout.reconfigure(line_buffering=True)
print("é")
sys.stdout.reconfigure(encoding="latin-1")
print("é")
`,
  'redirect and restore': `import contextlib, io, sys
with contextlib.redirect_stdout(io.StringIO()) as inner: print("inner")
print("outer", inner.getvalue())
sys.stdout = sys.__stdout__
print("restored")
`,
  'arguments and module': `import sys, pickle, neighbour
class Thing: pass
pickle.loads(pickle.dumps(Thing()))
print(sys.argv, __name__, __file__, sys.path[0] == sys.path[0], neighbour.WORD, __doc__, __spec__)
`,
  exception: `import sys
def inner(): raise ValueError("bad ü")
sys.stdin.readline()
print("before")
inner()
`,
  'chained exceptions': `try: {}["x"]
except KeyError: raise RuntimeError("second")
`,
  'syntax error': 'def broken(:\n  pass\n',
  'exit code': 'import sys\nprint("x")\nsys.exit(7)\n',
  'exit with words': 'import sys\nprint("x")\nsys.exit("farewell")\n',
  'exit with none': 'import sys\nprint("x")\nsys.exit()\n',
  'atexit handlers': 'import atexit\natexit.register(print, "late")\nprint("early")\n',
  'a thread that outlives the script': `import threading, time
def work():
    time.sleep(0.05)
    print("from the thread")
threading.Thread(target=work).start()
print("script done")
`,
  'own excepthook': `import sys
sys.excepthook = lambda kind, error, trace: print("hooked", kind.__name__)
1 / 0
`,
  'dataclasses and annotations': `import dataclasses
@dataclasses.dataclass
class Point: x: int = 1
print(Point(), Point.__module__)
`,
  'a lone surrogate': 'print("\\udcff")\n',
  isatty:
    'import sys\nprint(sys.stdin.isatty(), sys.stdout.isatty(), sys.stdin.name, sys.stdout.name)\n',
  'with stdin': 'import sys\nwith sys.stdin as f: print(sum(1 for _ in f))\n',
};

for (const [name, text] of Object.entries(scripts)) {
  test(`cannot be told from plain Python: ${name}`, async (t) => {
    const script = place(t, text);
    const [bare, shim] = [await run(script, 'bare'), await run(script, 'shim')];
    const seen = (each: SpawnSyncReturns<Buffer>) => ({
      stdout: normalise(each.stdout.toString('latin1'), name),
      stderr: each.stderr.toString('latin1'),
      status: each.status,
      signal: each.signal,
    });
    t.deepEqual(seen(shim), seen(bare));
    t.true(bare.stdout.length + bare.stderr.length > 0);
  });
}

/** Plain Python translates \r\n on input, which the protocol must not. */
function normalise(text: string, name: string): string {
  return /iteration|readline|read|input|bytes in/.test(name)
    ? text.replaceAll(/\\r|\r/g, '')
    : text;
}

test('carriage returns are kept', async (t) => {
  const text = 'import sys\nfor line in sys.stdin: sys.stdout.write(line)\n';
  const { stdout } = await run(place(t, text), 'shim');
  t.true(stdout.equals(INPUT));
});

test('a forked child does not write the answers of its parent again', async (t) => {
  const text = `import os, sys
print("answer")
pid = os.fork()
if pid == 0:
    print("from the child", flush=True)
    sys.exit(0)
os.waitpid(pid, 0)
print("after")
`;
  const { stdout, stderr } = await run(place(t, text), 'shim');
  t.is(stdout.toString(), 'answer\nafter\n');
  t.is(stderr.toString(), 'from the child\n');
});

test('multiprocessing works and its output stays out of the answers', async (t) => {
  const text = `import multiprocessing
def double(n):
    print("working")
    return 2 * n
if __name__ == "__main__":
    print("start")
    with multiprocessing.get_context("fork").Pool(2) as pool: print(pool.map(double, [1, 2]))
`;
  const { stdout } = await run(place(t, text), 'shim');
  t.is(stdout.toString(), 'start\n[2, 4]\n');
});

test('prints of several threads are all there', async (t) => {
  const text = `import threading
def work(name):
    for i in range(2000): print("%s-%d" % (name, i))
threads = [threading.Thread(target=work, args=(n,)) for n in "abc"]
for each in threads: each.start()
for each in threads: each.join()
`;
  const { stdout } = await run(place(t, text), 'shim');
  t.is(stdout.toString().replaceAll('\n', '').length, 3 * (2000 * 2 + 10 + 180 + 2700 + 4000));
});
