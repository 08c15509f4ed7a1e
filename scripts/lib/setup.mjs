/**
 * What every command of this project needs before it can work: the right machine, Node, Python and
 * the installed packages. Plain JavaScript for Node 20 without dependencies, because it runs before
 * anything is installed.
 *
 * 1. Every problem is one sentence on stderr and exit code 2 (`Complaint`); nothing half-made stays.
 * 2. Packages are installed when what stands in node_modules is not what the lockfile names. The
 *    contents are compared, not times: npm writes its own record last, so an installation that was
 *    cut off has none.
 * 3. Everything after the set-up runs on the Node of node_modules (`node24`), whatever node
 *    the machine has.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 20;
const PYTHON_MIN = [3, 8];

/** The top folder of the project. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The Node that the project runs on, once installed. */
export const node24 = join(root, 'node_modules', '.bin', 'node');

/** A problem of the user's machine, told in one sentence. */
export class Complaint extends Error {}

/** The environment of everything that is started: node_modules/.bin comes first in PATH. */
export function environment(extra = {}) {
  const bin = join(root, 'node_modules', '.bin');
  const rest = (process.env.PATH ?? '').split(delimiter).filter((entry) => entry !== bin);
  return { ...process.env, PATH: [bin, ...rest].join(delimiter), ...extra };
}

/** Runs `main` and turns a complaint into its sentence and exit code 2. */
export async function withComplaints(main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    console.error(`rainstorm: ${error.message}`);
    process.exitCode = 2;
  }
}

/** Checks the machine and installs the packages when they are missing or outdated. */
export async function setUp() {
  checkNode(process.versions.node);
  checkPlatform(process.platform, process.arch);
  checkPython();
  const outdated = whatIsOutdated(root);
  if (outdated !== null) await install(outdated);
}

/** @throws Complaint when this Node is too old */
export function checkNode(version) {
  if (Number(version.split('.')[0]) >= NODE_MAJOR_MIN) return;
  throw new Complaint(
    `Node ${NODE_MAJOR_MIN} or newer is needed, but this is ${version}; install it from https://nodejs.org and try again`,
  );
}

/** @throws Complaint when no executable can be built or run on this kind of machine */
export function checkPlatform(platform, arch) {
  if (platform === 'linux' && arch === 'x64') return;
  throw new Complaint(
    `this project builds on Linux x64, but this machine is ${platform} ${arch}; use a Linux x64 machine or container`,
  );
}

/** @throws Complaint when python3 is absent or too old */
export function checkPython(command = 'python3') {
  const asked = spawnSync(command, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])'], {
    encoding: 'utf8',
  });
  const wanted = PYTHON_MIN.join('.');
  if (asked.error !== undefined) {
    throw new Complaint(
      `${command} was not found; install Python ${wanted} or newer and put it in PATH`,
    );
  }
  if (asked.status !== 0) {
    throw new Complaint(
      `${command} does not work (${lastLine(asked.stderr)}); repair or reinstall Python ${wanted} or newer`,
    );
  }
  checkPythonVersion(asked.stdout.trim());
}

/** @throws Complaint when `version` is older than the oldest Python that operators may use */
export function checkPythonVersion(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major > PYTHON_MIN[0] || (major === PYTHON_MIN[0] && minor >= PYTHON_MIN[1])) return;
  throw new Complaint(
    `Python ${PYTHON_MIN.join('.')} or newer is needed, but python3 is ${version}; install a newer one and put it first in PATH`,
  );
}

/** Why the packages under `top` must be installed, or null when they are what the lockfile names. */
export function whatIsOutdated(top) {
  const record = join(top, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return 'nothing is installed yet';
  const installed = packagesOf(record);
  for (const [path, wanted] of Object.entries(packagesOf(join(top, 'package-lock.json')))) {
    if (path === '' || wanted.link === true) continue;
    const version = installed[path]?.version;
    if (version === undefined && wanted.optional === true) continue;
    if (version !== wanted.version) return `${path} is not ${wanted.version}`;
  }
  return null;
}

function packagesOf(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, 'utf8')).packages ?? {};
  } catch (error) {
    throw new Complaint(
      `${lockfile} cannot be read (${error.message}); restore it with \`git checkout package-lock.json\` or delete node_modules`,
    );
  }
}

async function install(reason) {
  const count = Object.keys(packagesOf(join(root, 'package-lock.json'))).length - 1;
  console.error(`setting up: installing ${count} packages (${reason})`);
  const started = process.hrtime.bigint();
  const folder = mkdtempSync(join(tmpdir(), 'rainstorm-install-'));
  const log = join(folder, 'npm.log');
  try {
    const failure = await npmCi(log);
    if (failure !== null) {
      process.stderr.write(readFileSync(log));
      throw new Complaint(
        `npm ci failed (${failure}), its output is above; mend that and try again`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  console.error(`setting up: done in ${seconds.toFixed(1)} s`);
}

/** Runs `npm ci` with its output in the file `log`; tells why it failed, or null. */
function npmCi(log) {
  const npm = process.env.npm_execpath;
  const [command, before] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const args = [...before, 'ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=warn'];
  const output = openSync(log, 'a');
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', output, output] });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) =>
      resolve(code === 0 ? null : `${signal ?? `exit ${code}`}`),
    );
  });
}

function lastLine(text) {
  return text.trim().split('\n').pop();
}
