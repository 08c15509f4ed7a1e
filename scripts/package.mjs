/**
 * `npm run package`: makes `bin/rainstorm`, one executable file that needs nothing beside it.
 *
 * 1. Everything is local: the base is the Node of node_modules, nothing is fetched after set-up.
 * 2. What the program reads from the tree in development travels inside as text (`embeddedTexts`).
 * 3. `bin/rainstorm` is replaced only by a file that has already run.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Complaint, environment, node24, root, setUp, withComplaints } from './lib/setup.mjs';
import { embeddedTexts } from './packaging/embedded-texts.mjs';

const NODE_MAJOR = 24;

await withComplaints(async () => {
  await setUp();
  if (Number(process.versions.node.split('.')[0]) !== NODE_MAJOR) return againOnNode24();
  const texts = embeddedTexts();
  const output = join(root, 'bin', 'rainstorm');
  const fresh = `${output}.new`;
  mkdirSync(join(root, 'bin'), { recursive: true });
  mkdirSync(join(root, 'dist'), { recursive: true });
  await makeExecutable(await bundleProgram(texts), fresh);
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

/** Writes the program as one CommonJS file and gives its path. */
async function bundleProgram(texts) {
  const { bundle } = await import('./packaging/bundle.mjs');
  const worker = await bundle('src/kernels/pool-entry.ts', null, NODE_MAJOR);
  const main = join(root, 'dist', 'main.cjs');
  writeFileSync(
    main,
    await bundle('src/main.ts', { ...texts, 'worker:worker.js': worker }, NODE_MAJOR),
  );
  return main;
}

/** Puts the bundle into a copy of this Node, as a single executable application. */
async function makeExecutable(main, output) {
  const require = createRequire(import.meta.url);
  const { default: sea } = require('@yao-pkg/pkg/lib-es5/sea.js');
  await sea(main, {
    targets: [{ nodeRange: `node${NODE_MAJOR}`, platform: 'linux', arch: process.arch, output }],
    signature: true,
    nodePath: strippedNode(),
    seaConfig: {
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
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
    `the packaged file does not answer --version (it said: ${said}); see dist/main.cjs`,
  );
}
