/**
 * Where the files of a node lie on its disk.
 *
 *   <root>/files/<ring point, 4 hex>/<hash of the name, 32 hex>/   the log of a file
 *   <root>/placing/<ring point>-<hash of the name>/                one that is whole, on its way there
 *   <root>/trash/<random>/                                         a file being deleted or installed
 *
 * X1 A directory is renamed into the trash before its files are deleted, and out of it when a file that
 *    is installed is whole: under `files` a file is there or not, never half.
 * X2 What a crash left in the trash is deleted at the next start.
 * X3 A file that takes the place of another one is whole and durable in `placing` before the other one
 *    goes: whenever the machine stops, one of the two is there after the next start, which ends what
 *    was begun. Where the other one is still there, it was not begun.
 */
import { basename, dirname, join } from 'node:path';
import { type Random, randomId } from '../core/index.ts';
import { type Disk, diskFault, errorCode, peekHeader } from '../storage/index.ts';
import { Malformed } from './bytes.ts';
import { nameInSnapshot } from './file-entry.ts';
import { placeOf, pointDir } from './file-name.ts';

export interface FileDirsOptions {
  readonly disk: Disk;
  readonly root: string;
  readonly random: Random;
}

export class FileDirs {
  readonly #disk: Disk;
  readonly #root: string;
  readonly #random: Random;
  readonly #namesByDir = new Map<string, string>();
  /** What a failure left in `placing` (X3); it must not come back when its file was removed. */
  readonly #stuck = new Set<string>();

  constructor(options: FileDirsOptions) {
    this.#disk = options.disk;
    this.#root = options.root;
    this.#random = options.random;
  }

  /** Makes the directories that are always there, ends what was begun and empties the trash (X2, X3). */
  async prepare(): Promise<void> {
    const trash = join(this.#root, 'trash');
    try {
      await this.#disk.mkdir(join(this.#root, 'files'));
      await this.#disk.mkdir(trash);
      await this.#disk.mkdir(join(this.#root, 'placing'));
      await this.#endPlacing();
      for (const name of await this.#disk.list(trash)) await this.#disk.rmdir(join(trash, name));
    } catch (error) {
      throw diskFault(error, 'opening', this.#root);
    }
  }

  /** The directory of the file `name`. */
  of(name: string): string {
    return join(this.#root, 'files', placeOf(name).path);
  }

  /** The ring points that have a directory with something in it. */
  async points(): Promise<number[]> {
    const points: number[] = [];
    for (const name of await this.#list('files')) {
      if ((await this.#list(join('files', name))).length > 0)
        points.push(Number.parseInt(name, 16));
    }
    return points;
  }

  /** The directories of the files of a ring point. */
  async in(point: number): Promise<string[]> {
    const dir = join('files', pointDir(point));
    return (await this.#list(dir)).map((hash) => join(this.#root, dir, hash));
  }

  /** True when there is something in `dir`. */
  async occupied(dir: string): Promise<boolean> {
    try {
      return (await this.#disk.list(dir)).length > 0;
    } catch (error) {
      throw diskFault(error, 'listing', dir);
    }
  }

  /** The name of the file in `dir`; null when there is none or its name cannot be read. */
  async nameIn(dir: string): Promise<string | null> {
    const known = this.#namesByDir.get(dir);
    if (known !== undefined) return known;
    try {
      const header = await peekHeader(this.#disk, dir);
      if (header === null) return null;
      const name = nameInSnapshot(header);
      this.#namesByDir.set(dir, name);
      return name;
    } catch (error) {
      // it may be removed meanwhile
      if (error instanceof Malformed || errorCode(error) === 'ENOENT') return null;
      throw diskFault(error, 'reading', dir);
    }
  }

  /** A directory for a file that is being installed. */
  draft(): string {
    return join(this.#root, 'trash', randomId(this.#random));
  }

  /** Moves a file that is whole and durable to its place, instead of the one that may be there (X3). */
  async place(draft: string, dir: string): Promise<void> {
    const placing = this.#placing(dir);
    const old = this.draft();
    this.#namesByDir.delete(dir);
    try {
      await this.#unstick(dir);
      await this.#disk.mkdir(dirname(dir));
      this.#stuck.add(placing);
      await this.#disk.rename(draft, placing);
      await this.#disk.syncDir(dirname(placing));
      const replaces = (await this.#disk.list(dir)).length > 0;
      if (replaces) await this.#disk.rename(dir, old);
      if (replaces) await this.#disk.syncDir(dirname(dir));
      await this.#disk.rename(placing, dir);
      await this.#disk.syncDir(dirname(dir));
      this.#stuck.delete(placing);
      await this.#disk.syncDir(dirname(placing));
      await this.#disk.syncDir(dirname(draft));
      if (replaces) await this.#disk.rmdir(old);
    } catch (error) {
      throw diskFault(error, 'installing', dir);
    }
  }

  /** Deletes a draft that is not wanted. */
  async forget(draft: string): Promise<void> {
    try {
      await this.#disk.rmdir(draft);
    } catch (error) {
      throw diskFault(error, 'removing', draft);
    }
  }

  /** Removes `dir` and what is in it (X1), if there is anything. */
  async discard(dir: string): Promise<void> {
    this.#namesByDir.delete(dir);
    try {
      await this.#unstick(dir);
      if ((await this.#disk.list(dir)).length > 0) await this.#delete(dir);
    } catch (error) {
      throw diskFault(error, 'removing', dir);
    }
  }

  /** Removes what is on its way to a ring point. */
  async discardPlacing(point: number): Promise<void> {
    const files = join(this.#root, 'files', pointDir(point));
    for (const placing of this.#stuck) {
      const [of, hash] = basename(placing).split('-');
      if (of === pointDir(point)) await this.discard(join(files, hash));
    }
  }

  /** X1. */
  async #delete(path: string): Promise<void> {
    const trash = this.draft();
    await this.#disk.rename(path, trash);
    await this.#disk.syncDir(dirname(path));
    await this.#disk.syncDir(dirname(trash));
    await this.#disk.rmdir(trash);
  }

  #placing(dir: string): string {
    return join(this.#root, 'placing', `${basename(dirname(dir))}-${basename(dir)}`);
  }

  async #unstick(dir: string): Promise<void> {
    const placing = this.#placing(dir);
    if (!this.#stuck.has(placing)) return;
    if ((await this.#disk.list(placing)).length > 0) await this.#delete(placing);
    else await this.#disk.syncDir(dirname(placing));
    this.#stuck.delete(placing);
  }

  /** X3. */
  async #endPlacing(): Promise<void> {
    const from = join(this.#root, 'placing');
    for (const name of await this.#disk.list(from)) {
      const dir = join(this.#root, 'files', ...name.split('-'));
      if ((await this.#disk.list(dir)).length > 0) {
        await this.#delete(join(from, name));
      } else {
        await this.#disk.mkdir(dirname(dir));
        await this.#disk.rename(join(from, name), dir);
        await this.#disk.syncDir(dirname(dir));
        await this.#disk.syncDir(from);
      }
    }
  }

  async #list(path: string): Promise<readonly string[]> {
    try {
      return await this.#disk.list(join(this.#root, path));
    } catch (error) {
      throw diskFault(error, 'listing', this.#root);
    }
  }
}
