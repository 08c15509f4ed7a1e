/**
 * Finds what a job of a cluster must bring, on the machine of whoever submits it.
 *
 * 1. The script of a stage comes along when it is a file here; a bundled operator or a command of the
 *    PATH does not, every node has its own.
 * 2. What is inside the folder of the job file keeps its place relative to it, so that scripts find
 *    what is beside them. A script from elsewhere stands alone, in a folder of its own.
 * 3. Everything listed under `files:` comes along, folders with all that is in them, and the file of
 *    `requirements:`.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { fault, reasonOf } from '../core/index.ts';
import { type JobSpec, operatorCandidates } from '../plan/index.ts';
import {
  digestOf,
  type LocalPackage,
  PACKAGE_BYTES_MAX,
  PACKAGE_FILES_MAX,
  type PackagedFile,
  sha256Of,
} from './job-package.ts';

/** What Python makes by itself. */
const SKIPPED = '__pycache__';
const EXECUTABLE = 0o111;

/**
 * Collects the package of `spec`.
 * @throws PACKAGE_FILE_UNUSABLE, PACKAGE_TOO_LARGE
 */
export async function collectPackage(spec: JobSpec): Promise<LocalPackage> {
  const collected = new Collection(spec.baseDir);
  const scripts: Record<string, string> = {};
  for (const [i, stage] of spec.stages.entries()) {
    const script = await scriptOf(spec, stage.run);
    if (script !== null) scripts[String(i + 1)] = await collected.add(script);
    for (const listed of stage.files) await collected.addListed(listed, `stage ${stage.name}`);
  }
  for (const listed of spec.files) await collected.addListed(listed, 'the job');
  const { requirements } = spec;
  if (requirements !== '') await collected.addListed(requirements, 'the job');
  const { files, contents } = collected;
  return { manifest: { files: [...files.values()], scripts }, contents };
}

/** A digest of what `spec` has beside it, to tell whether packages have to be installed again. */
export async function digestBeside(spec: JobSpec): Promise<string> {
  return digestOf((await collectPackage(spec)).manifest);
}

async function scriptOf(spec: JobSpec, run: string): Promise<string | null> {
  for (const candidate of operatorCandidates(spec, run)) {
    if (candidate.kind !== 'file') return null;
    const found = await stat(candidate.path).catch(() => null); // not here: the next place
    if (found?.isFile() === true) return candidate.path;
  }
  return null;
}

class Collection {
  readonly files = new Map<string, PackagedFile>();
  readonly contents = new Map<string, Uint8Array>();
  readonly #baseDir: string;
  #bytes = 0;

  constructor(baseDir: string) {
    this.#baseDir = baseDir;
  }

  /** Adds the file at `path`; gives its path in the package. */
  async add(path: string): Promise<string> {
    const inside = this.#insidePath(path);
    const place =
      inside ?? join('elsewhere', sha256Of(Buffer.from(path)).slice(0, 8), basename(path));
    if (this.files.has(place)) return place;
    const { mode } = await stat(path);
    const bytes = await readFile(path);
    this.#bytes += bytes.length;
    if (this.#bytes > PACKAGE_BYTES_MAX || this.files.size >= PACKAGE_FILES_MAX) {
      throw fault('PACKAGE_TOO_LARGE', {
        file: place,
        files: PACKAGE_FILES_MAX,
        mebibytes: PACKAGE_BYTES_MAX / 1024 / 1024,
      });
    }
    const sha256 = sha256Of(bytes);
    const executable = (mode & EXECUTABLE) !== 0;
    this.files.set(place, { path: place, sha256, bytes: bytes.length, executable });
    this.contents.set(sha256, bytes);
    return place;
  }

  /** Adds a file or folder that `where` lists under `files:`. */
  async addListed(listed: string, where: string): Promise<void> {
    const path = resolve(this.#baseDir, listed);
    const unusable = (reason: string): Error =>
      fault('PACKAGE_FILE_UNUSABLE', { file: listed, where, reason });
    if (this.#insidePath(path) === null) throw unusable('it is outside the folder of the job file');
    const found = await stat(path).catch((error: unknown) => {
      throw unusable(reasonOf(error));
    });
    if (found.isFile()) return void (await this.add(path));
    if (!found.isDirectory()) throw unusable('it is neither a file nor a folder');
    for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
      const each = join(entry.parentPath, entry.name);
      if (entry.isFile() && !each.split(sep).includes(SKIPPED)) await this.add(each);
    }
  }

  /** `path` relative to the folder of the job file; null for what is not in it. */
  #insidePath(path: string): string | null {
    const place = relative(this.#baseDir, path);
    return place === '' || place === '..' || place.startsWith(`..${sep}`) ? null : place;
  }
}
