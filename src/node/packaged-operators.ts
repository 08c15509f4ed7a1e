/**
 * Operators of the jobs of a cluster, run from a copy of what the job brought.
 *
 * Invariants
 *   O1  A package is fetched once a process, however many tasks ask for it, and checked file by file
 *       before anything of it is run.
 *   O2  A folder under its final name is complete. What an earlier process fetched is not trusted: it
 *       is fetched again.
 *   O3  A copy goes with its job; of one that could not be fetched nothing is left.
 */
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fault, type Random, randomId, reasonOf } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import {
  type BundledOperators,
  type OperatorCommand,
  type PythonEnvironments,
  resolveOperator,
} from '../operator/index.ts';
import type { JobPlan } from '../plan/index.ts';
import {
  digestOf,
  type PackagedFile,
  type PackageManifest,
  packagedBytes,
  readManifest,
  sha256Of,
} from './job-package.ts';
import { hostFor, type JobOperators } from './operators.ts';

const SCRIPT_MODE = 0o700;
const FILE_MODE = 0o600;

export interface PackagedOperatorsOptions {
  readonly fs: FileSystem;
  readonly bundled: BundledOperators;
  readonly environments: PythonEnvironments;
  /** where copies are kept; this process owns it */
  readonly dir: string;
  readonly random: Random;
}

export class PackagedOperators implements JobOperators {
  readonly #options: PackagedOperatorsOptions;
  /** by job and manifest */
  readonly #fetched = new Map<string, Promise<string>>();
  readonly #emptied: Promise<void>;

  constructor(options: PackagedOperatorsOptions) {
    this.#options = options;
    this.#emptied = rm(options.dir, { recursive: true, force: true }); // O2
    this.#emptied.catch(() => undefined); // told by whoever fetches
  }

  /**
   * The command of stage `stage`.
   * @throws PACKAGE_DAMAGED, REQUIREMENTS_FAILED, OPERATOR_NOT_FOUND, OPERATOR_NOT_EXECUTABLE,
   *   PYTHON_MISSING, PYTHON_TOO_OLD
   */
  async of({ id, spec }: Pick<JobPlan, 'id' | 'spec'>, stage: number): Promise<OperatorCommand> {
    const { fs, bundled, environments } = this.#options;
    const manifest = (await readManifest(fs, id)) ?? { files: [], scripts: {} };
    const folder = await this.#folder(id, manifest);
    const { run, args, env, shim } = spec.stages[stage - 1];
    const script = manifest.scripts[String(stage)];
    const place = relative(spec.baseDir, resolve(spec.baseDir, spec.requirements));
    const hostEnv = await hostFor(spec, environments, {
      path: join(folder, place),
      folder,
      beside: async () => digestOf(manifest),
    });
    return resolveOperator({
      run: script === undefined ? run : join(folder, script),
      args,
      baseDirs: [folder],
      bundled,
      env,
      shim,
      hostEnv,
    });
  }

  /** O3. */
  async forget(job: string): Promise<void> {
    for (const [key, fetched] of this.#fetched) {
      if (!key.startsWith(`${job}-`)) continue;
      this.#fetched.delete(key);
      const folder = await fetched.catch(() => null); // then nothing was left
      if (folder !== null) await rm(folder, { recursive: true, force: true });
    }
  }

  /** O1. */
  #folder(job: string, manifest: PackageManifest): Promise<string> {
    const key = `${job}-${sha256Of(Buffer.from(JSON.stringify(manifest))).slice(0, 16)}`;
    const known = this.#fetched.get(key);
    if (known !== undefined) return known;
    const made = this.#fetch(job, key, manifest);
    this.#fetched.set(key, made);
    made.catch(() => {
      if (this.#fetched.get(key) === made) this.#fetched.delete(key);
    });
    return made;
  }

  async #fetch(job: string, key: string, manifest: PackageManifest): Promise<string> {
    const { dir, random } = this.#options;
    await this.#emptied;
    const mark = randomId(random).slice(0, 8);
    const fresh = join(dir, `${key}.${mark}`);
    // Of its own name: one that is forgotten at this moment goes without this one.
    const folder = join(dir, `${key}-${mark}`);
    try {
      await mkdir(fresh, { recursive: true, mode: 0o700 });
      for (const file of manifest.files) await this.#write(fresh, job, file);
      await rename(fresh, folder);
    } catch (error) {
      await rm(fresh, { recursive: true, force: true });
      throw error;
    }
    return folder;
  }

  async #write(folder: string, job: string, file: PackagedFile): Promise<void> {
    const path = join(folder, file.path);
    const bytes = await packagedBytes(this.#options.fs, job, file);
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, bytes, { mode: FILE_MODE, flag: 'wx' });
      if (file.executable) await chmod(path, SCRIPT_MODE);
    } catch (error) {
      const problem = `it cannot be written here (${reasonOf(error)})`;
      throw fault('PACKAGE_DAMAGED', { job, file: file.path, problem }, error);
    }
  }
}
