/**
 * Python packages that a job needs: its `requirements.txt`, installed once a machine into a virtual
 * environment that its operators are run with.
 *
 *   const environments = new PythonEnvironments({ dir, groupsFile, clock, log, host: process.env });
 *   const hostEnv = await environments.of({ name: 'requirements.txt', path, folder, beside });
 *   await resolveOperator({ run: 'score.py', hostEnv, ... });   // its `python3` has the packages
 *
 * Invariants
 *   V1  An environment is known by a digest of all that it is made from: the Python, the text of the
 *       file and, when the text speaks of files, the digest of what the job has beside it. What
 *       stands under a digest never changes.
 *   V2  An environment without its mark is not complete, and is made anew. The mark comes last.
 *   V3  One that can be used is made once, however many tasks ask for it; one that failed is tried
 *       again by the next who asks.
 *   V4  pip sees the host's proxies and PIP_* settings, operators do not.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Clock, fault, type Logger, reasonOf } from '../core/index.ts';
import { type HostEnvironment, operatorEnvironment } from './environment.ts';
import { GroupsFile } from './groups.ts';
import { runInstaller } from './installer.ts';
import { findPython } from './python.ts';

const MARK = 'complete';
/** Lines that speak of files: options of pip that name one, URLs of files, and paths. */
const SPEAKS_OF_FILES = /^\s*-|file:|[/\\]|\.whl\b|\.zip\b|\.tar\./m;
/** What tells pip the way to packages. */
const FOR_PIP = /^(?:PIP_\w+|(?:https?|no|all)_proxy|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE)$/i;

export interface PythonEnvironmentsOptions {
  /** where environments are kept; this process owns it */
  readonly dir: string;
  /** where living process groups are written down */
  readonly groupsFile?: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly host: HostEnvironment;
  /** what sentences call this machine */
  readonly vm: string;
}

/** What a job says that its operators need. */
export interface Requirements {
  /** the file as the job names it, for sentences */
  readonly name: string;
  /** where the file is */
  readonly path: string;
  /** what paths in the file are relative to */
  readonly folder: string;
  /** A digest of the files that the job has beside it. */
  beside(): Promise<string>;
}

export class PythonEnvironments {
  readonly #options: PythonEnvironmentsOptions;
  readonly #groups: GroupsFile;
  readonly #made = new Map<string, Promise<HostEnvironment>>();

  constructor(options: PythonEnvironmentsOptions) {
    this.#options = options;
    this.#groups = new GroupsFile(options.groupsFile);
  }

  /**
   * The host's environment with a Python that has the packages of `requirements`; they are installed
   * when they are not there yet.
   * @throws REQUIREMENTS_FAILED, PYTHON_MISSING, PYTHON_TOO_OLD
   */
  async of(requirements: Requirements): Promise<HostEnvironment> {
    const { name, path, beside } = requirements;
    const python = await findPython(name, this.#options.host);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      throw this.#failed(name, reasonOf(error), error);
    });
    const digest = createHash('sha256').update(JSON.stringify([python, text])); // V1
    if (SPEAKS_OF_FILES.test(text)) digest.update(await beside());
    const key = digest.digest('hex').slice(0, 32);
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = this.#make(join(this.#options.dir, key), python.path, requirements);
    this.#made.set(key, made);
    made.catch(() => this.#made.delete(key)); // V3
    return made;
  }

  async #make(home: string, python: string, needed: Requirements): Promise<HostEnvironment> {
    if (!existsSync(join(home, MARK))) await this.#install(home, python, needed);
    const { host } = this.#options;
    const bin = join(home, 'bin');
    return {
      ...host,
      PATH: `${bin}${delimiter}${host.PATH ?? ''}`,
      PYTHON: join(bin, 'python'),
      PYTHONHOME: undefined,
      VIRTUAL_ENV: home,
    };
  }

  /** V2. */
  async #install(home: string, python: string, needed: Requirements): Promise<void> {
    const { dir, log } = this.#options;
    const { name, path, folder } = needed;
    log.info('the Python packages of a job are being installed', { file: name, home });
    await rm(home, { recursive: true, force: true });
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await this.#step(needed, [python, '-m', 'venv', home], folder);
    const pip = [join(home, 'bin', 'python'), '-m', 'pip', '--disable-pip-version-check'];
    const words = ['install', '--no-input', '--quiet', '--requirement', path];
    await this.#step(needed, [...pip, ...words], folder);
    await writeFile(join(home, MARK), `${name}\n`);
    log.info('the Python packages of a job are installed', { file: name, home });
  }

  async #step({ name }: Requirements, argv: readonly string[], cwd: string): Promise<void> {
    const { clock, host } = this.#options;
    const env = operatorEnvironment({ ...host, PYTHONHOME: undefined }, forPip(host)); // V4
    const reason = await runInstaller(argv, { cwd, env, clock, groups: this.#groups });
    if (reason !== null) throw this.#failed(name, reason);
  }

  #failed(file: string, reason: string, cause?: unknown): Error {
    return fault('REQUIREMENTS_FAILED', { file, reason, vm: this.#options.vm }, cause);
  }
}

function forPip(host: HostEnvironment): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(host)) {
    if (value !== undefined && FOR_PIP.test(name)) result[name] = value;
  }
  return result;
}
