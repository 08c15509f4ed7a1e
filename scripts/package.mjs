/**
 * `npm run package`: makes `bin/rainstorm`, one executable file that needs nothing beside it.
 *
 * 1. Everything is local: the base is the Node of node_modules, nothing is fetched after set-up.
 * 2. What the program reads from the tree in development travels inside as text (`embeddedTexts`).
 * 3. `bin/rainstorm` is replaced only by a file that has already run.
 * 4. The compiled code of a node that has started travels with the text (packaging/launcher.cjs).
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Complaint, environment, node24, root, setUp, withComplaints } from './lib/setup.mjs';
import { embeddedTexts } from './packaging/embedded-texts.mjs';
import { compile, wrapped } from './packaging/launcher.cjs';

const NODE_MAJOR = 24;
/** The kernel pool asks for its worker by this name. */
const WORKER = 'worker:worker.js';
/** Generous: other work may have the machine. */
const WARM_MS = 60_000;

await withComplaints(async () => {
  await setUp();
  if (Number(process.versions.node.split('.')[0]) !== NODE_MAJOR) return againOnNode24();
  const texts = embeddedTexts();
  const output = join(root, 'bin', 'rainstorm');
  const fresh = `${output}.new`;
  mkdirSync(join(root, 'bin'), { recursive: true });
  mkdirSync(join(root, 'dist'), { recursive: true });
  const program = await bundleProgram(texts);
  await warmUp(program);
  await makeExecutable(program, fresh);
  proveThatItRuns(fresh, texts.version);
  renameSync(fresh, output);
  const megabytes = (statSync(output).size / 1e6).toFixed(1);
  console.log(
    `bin/rainstorm ${texts.version}, ${megabytes} MB, Node ${process.versions.node} inside`,
  );
  return 0;
});

function againOnNode24() {
  const again = spawnSync(node24, [join(root, 'scripts', 'package.mjs')], {
    cwd: root,
    env: environment(),
    stdio: 'inherit',
  });
  if (again.error !== undefined) {
    throw new Complaint(
      `node_modules/.bin/node does not start (${again.error.message}); delete node_modules and try again`,
    );
  }
  return again.status ?? 1;
}

/** Writes the parts of the program and gives their paths. */
async function bundleProgram(texts) {
  const { bundle } = await import('./packaging/bundle.mjs');
  const part = (name) => join(root, 'dist', name);
  const parts = { text: part('main.txt'), compiled: part('main.bin'), worker: part('worker.js') };
  writeFileSync(parts.worker, await bundle('src/kernels/pool-entry.ts', null, NODE_MAJOR));
  const text = await bundle('src/main.ts', texts, NODE_MAJOR, [WORKER]);
  writeFileSync(parts.text, oneByte(wrapped(text)), 'latin1');
  return parts;
}

/** Beyond ASCII the bundler leaves only comments: one byte a character is half of what is read. */
function oneByte(text) {
  return text.replace(/\P{ASCII}/gu, '?');
}

/** 4. @throws Complaint when no node starts */
async function warmUp({ text, compiled }) {
  const data = mkdtempSync(join(tmpdir(), 'rainstorm-warm-'));
  const args = ['node', '--bind', '127.0.0.1', '--port', '0', '--voters', '1', '--data', data];
  const child = spawn(
    process.execPath,
    [join(root, 'scripts', 'packaging', 'warm.cjs'), text, compiled, ...args],
    { stdio: ['ignore', 'inherit', 'pipe'], timeout: WARM_MS },
  );
  let said = '';
  let told = false;
  child.stderr.setEncoding('utf8').on('data', (words) => {
    said += words;
    // A second signal would end it before it has written anything.
    if (told || !said.includes('points have other holders')) return;
    told = child.kill('SIGTERM');
  });
  const [code] = await once(child, 'close');
  rmSync(data, { recursive: true, force: true });
  if (code === 0 && isTaken(text, compiled)) return;
  throw new Complaint(
    `the bundled program does not start a node, or is not the one that was compiled (it said: ${said.trim()}); see dist/main.txt`,
  );
}

/** Whether V8 takes the compiled code for that of the text. */
function isTaken(text, compiled) {
  const script = compile(readFileSync(text, 'latin1'), readFileSync(compiled));
  return script.cachedDataRejected === false;
}

/** Puts the parts into a copy of this Node, as a single executable application. */
async function makeExecutable({ text, compiled, worker }, output) {
  const require = createRequire(import.meta.url);
  const { default: sea } = require('@yao-pkg/pkg/lib-es5/sea.js');
  await sea(join(root, 'scripts', 'packaging', 'launcher.cjs'), {
    targets: [{ nodeRange: `node${NODE_MAJOR}`, platform: 'linux', arch: process.arch, output }],
    signature: true,
    nodePath: strippedNode(),
    seaConfig: {
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      assets: { program: text, compiled, [WORKER]: worker },
      execArgvExtension: 'none',
    },
  });
}

/** This Node without its symbols (a seventh smaller), or as it is where `strip` is absent. */
function strippedNode() {
  if (spawnSync('strip', ['--version']).status !== 0) return process.execPath;
  const base = join(root, 'dist', 'node-base');
  rmSync(base, { force: true });
  copyFileSync(process.execPath, base);
  chmodSync(base, 0o755);
  const stripped = spawnSync('strip', [base], { encoding: 'utf8' });
  if (stripped.status === 0) return base;
  throw new Complaint(
    `strip failed on ${base} (${stripped.stderr.trim()}); free some disk space or repair binutils`,
  );
}

function proveThatItRuns(executable, version) {
  const asked = spawnSync(executable, ['--version'], { encoding: 'utf8', env: { PATH: '' } });
  if (asked.status === 0 && asked.stdout === `${version}\n`) return;
  rmSync(executable, { force: true });
  const said = `${asked.error?.message ?? ''}${asked.stdout ?? ''}${asked.stderr ?? ''}`.trim();
  throw new Complaint(
    `the packaged file does not answer --version (it said: ${said}); see dist/main.txt`,
  );
}
