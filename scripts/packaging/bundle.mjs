/**
 * Bundles an entry of the program into one CommonJS text that needs no file beside it.
 *
 * 1. Optional native add-ons are replaced by modules that cannot be found; who asks for them copes.
 * 2. `src/core/embedded.ts` (and `#embedded`) is replaced by the texts given; with null the bundle
 *    behaves like the tree. Those named by `assets` stay outside, where only an executable has them.
 * 3. With embedded texts, Piscina's workers are started from them (src/kernels/worker-shim.ts).
 * 4. What the command line library would need to read a package.json (lists of licences, for the most
 *    part) is left unread until it does, which is never: that was a tenth of the start.
 */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { root } from '../lib/setup.mjs';

const stubs = [
  'cpu-features',
  '@napi-rs/nice',
  './crypto/build/Release/sshcrypto.node',
  'cbor-extract',
];
const banner = [
  'const __import_meta = { url: require("node:url").pathToFileURL(__filename).href,',
  '  filename: __filename, dirname: __dirname };',
].join('');

/** The bundle of `entry` (an absolute path, or one from the top of the project). */
export async function bundle(entry, embedded, nodeMajor, assets = []) {
  const built = await build({
    absWorkingDir: root,
    entryPoints: [resolve(root, entry)],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: `node${nodeMajor}`,
    keepNames: true,
    legalComments: 'none',
    logLevel: 'warning',
    write: false,
    define: { 'import.meta': '__import_meta' },
    banner: { js: banner },
    plugins: [stubbing, deferring, embedding(embedded, assets), threading(embedded)],
  });
  return built.outputFiles[0].text;
}

const stubbing = {
  name: 'stubs',
  setup(build) {
    build.onResolve({ filter: anyOf(stubs) }, ({ path }) => ({ path, namespace: 'stub' }));
    build.onLoad({ filter: /.*/, namespace: 'stub' }, ({ path }) => ({
      contents: `throw Object.assign(new Error(${JSON.stringify(`not packaged: ${path}`)}), { code: 'MODULE_NOT_FOUND' });`,
    }));
  },
};

/** 4. */
const deferring = {
  name: 'deferring',
  setup(build) {
    build.onLoad({ filter: /[\\/]meow[\\/]build[\\/]dependencies\.js$/ }, ({ path }) => {
      const eager = 'const normalizePackageData = getDefaultExportFromCjs(normalizeExports);';
      const before = `var normalizeExports = requireNormalize();\n${eager}`;
      const after = 'const normalizePackageData = (...data) => requireNormalize()(...data);';
      const parts = readFileSync(path, 'utf8').split(before);
      if (parts.length !== 2)
        throw new Error(`${path} is another one than scripts/packaging knows`);
      return { contents: parts.join(after), loader: 'js' };
    });
  },
};

const embedding = (embedded, assets) => ({
  name: 'embedded',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/]core[\\/]embedded\.ts$/ }, () => ({
      contents: [
        ...(assets.length === 0 ? [] : ["import { getAsset } from 'node:sea';"]),
        `export const embedded = ${embedded === null ? null : objectOf(embedded, assets)};`,
      ].join('\n'),
      loader: 'js',
    }));
  },
});

function objectOf(embedded, assets) {
  const lines = Object.entries(embedded).map((entry) => entry.map(quoted).join(': '));
  const getters = assets.map(quoted).map((n) => `get ${n}() { return getAsset(${n}, 'utf8'); }`);
  return `{ ${[...lines, ...getters].join(', ')} }`;
}

function quoted(text) {
  return JSON.stringify(text);
}

const threading = (embedded) => ({
  name: 'threads',
  setup(build) {
    build.onResolve({ filter: /^#piscina-worker$/ }, () => ({
      path: join(root, 'node_modules/piscina/dist/worker.js'),
    }));
    if (embedded === null) return;
    build.onResolve({ filter: /^node:worker_threads$/ }, ({ importer }) =>
      /piscina[\\/]dist[\\/]worker_pool[\\/]/.test(importer)
        ? { path: 'threads', namespace: 'threads' }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'threads' }, () => ({
      contents: `export * from 'node:worker_threads'; export { Worker } from './worker-shim.ts';`,
      resolveDir: join(root, 'src', 'kernels'),
    }));
  },
});

function anyOf(names) {
  return new RegExp(
    `^(${names.map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|')})$`,
  );
}
