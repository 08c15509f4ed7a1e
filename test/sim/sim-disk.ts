/**
 * A disk in memory that fails as disks do, repeatably.
 *
 * The machine (`SimDisk`) outlives processes; a process sees it through `mount()`. `kill()` ends the
 * process: its files are dead, what it wrote is still there. `crash()` cuts the power: the same, and
 * only what was synced is sure to survive.
 *
 * M1 A write becomes pending; a datasync makes all pending writes of that file durable. At a power
 *    cut the pending writes survive up to a random byte; with `reorder`, each 512-byte sector of
 *    them survives or not by itself.
 * M2 A datasync that fails drops the pending writes from what will ever become durable, while reads
 *    still show them; the next datasync says all is well (Linux).
 * M3 Creating, renaming and unlinking are pending until the directory is synced. At a power cut the
 *    changes of one directory survive up to a random one. mkdir is durable at once.
 * M4 A write that exceeds `capacity` is cut short, and the next one fails with ENOSPC.
 * M5 Every operation is one step; after `diesAtStep` steps the process is gone, in the middle of
 *    whatever it did.
 */
import { dirname } from 'node:path';
import { assert, between, present, type Random, unit } from '../../src/core/index.ts';
import type { Disk, DiskFile, OpenMode } from '../../src/storage/index.ts';

const SECTOR = 512;

interface Write {
  readonly position: number;
  /** Null for a truncation to `position`. */
  readonly bytes: Uint8Array | null;
}

interface Inode {
  durable: Uint8Array;
  current: Uint8Array;
  pending: Write[];
}

type Change =
  | { readonly kind: 'link'; readonly path: string; readonly inode: Inode }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string };

export interface SimDiskOptions {
  readonly random: Random;
  /** How likely a write is cut short. */
  readonly shortWrites?: number;
}

export interface SimStats {
  bytesRead: number;
  bytesWritten: number;
  writes: number;
  datasyncs: number;
  dirSyncs: number;
}

export class SimDisk {
  readonly stats: SimStats = {
    bytesRead: 0,
    bytesWritten: 0,
    writes: 0,
    datasyncs: 0,
    dirSyncs: 0,
  };
  /** Bytes that all files may have together. */
  capacity = Number.POSITIVE_INFINITY;
  /** The step at which the process dies. */
  diesAtStep = Number.POSITIVE_INFINITY;
  steps = 0;
  /** How many of the next datasyncs fail with EIO. */
  failingSyncs = 0;
  /** How many of the next syncs of a directory fail likewise. */
  failingDirSyncs = 0;
  /** How many succeed before those fail. */
  skippedDirSyncs = 0;
  /** When set, a datasync waits for it first. */
  gate: Promise<void> | null = null;
  readonly random: Random;
  readonly #shortWrites: number;
  #files = new Map<string, Inode>();
  #durableFiles = new Map<string, Inode>();
  #changes: Change[] = [];
  readonly #dirs = new Set<string>(['/']);
  #life = 0;
  #dead = false;

  constructor(options: SimDiskOptions) {
    this.random = options.random;
    this.#shortWrites = options.shortWrites ?? 0;
  }

  /** True when the process of the last `mount` has died at its step. */
  get dead(): boolean {
    return this.#dead;
  }

  /** The disk as a new process sees it. */
  mount(): Disk {
    return new SimMount(this, this.#life);
  }

  /** Ends the process (M5); all that it wrote is kept. */
  kill(): void {
    this.#life += 1;
    this.#dead = false;
    this.diesAtStep = Number.POSITIVE_INFINITY;
    this.gate = null;
  }

  /** Cuts the power (M1, M3). */
  crash(options: { readonly reorder?: boolean } = {}): void {
    this.kill();
    this.#crashNames();
    const inodes = new Set([...this.#durableFiles.values(), ...this.#files.values()]);
    for (const inode of inodes) this.#crashInode(inode, options.reorder ?? false);
    this.#files = new Map(this.#durableFiles);
  }

  /** The bytes of a file as a process would read them. */
  contents(path: string): Uint8Array {
    return this.inode(path).current.slice();
  }

  /** Puts a file there, durably. */
  plant(path: string, bytes: Uint8Array): void {
    const inode = { durable: bytes.slice(), current: bytes.slice(), pending: [] };
    this.#dirs.add(dirname(path));
    this.#files.set(path, inode);
    this.#durableFiles.set(path, inode);
  }

  /** Inverts one bit on the platter. */
  flip(path: string, bit: number): void {
    const inode = this.inode(path);
    for (const bytes of [inode.current, inode.durable]) {
      if (bit >>> 3 < bytes.length) bytes[bit >>> 3] ^= 1 << (bit & 7);
    }
  }

  /** The paths of all files that begin with `prefix`, sorted. */
  paths(prefix = '/'): string[] {
    return [...this.#files.keys()].filter((path) => path.startsWith(prefix)).sort();
  }

  /**
   * Carries out one operation of the process `life`, unless the process ends first, and counts it.
   * A process that ends while the operation is under way never hears of it.
   */
  async step<T>(life: number, effect: () => T): Promise<T> {
    this.#refuseDead(life);
    this.steps += 1;
    if (this.steps >= this.diesAtStep) this.#dead = true;
    for (let turns = between(this.random, 1, 4); turns > 0; turns--) await null;
    this.#refuseDead(life);
    return effect();
  }

  inode(path: string): Inode {
    const inode = this.#files.get(path);
    if (inode === undefined) throw systemError('ENOENT', path);
    return inode;
  }

  open(path: string, mode: OpenMode): Inode {
    if (mode !== 'create') return this.inode(path);
    if (!this.#dirs.has(dirname(path))) throw systemError('ENOENT', path);
    const inode: Inode = { durable: new Uint8Array(0), current: new Uint8Array(0), pending: [] };
    this.#change({ kind: 'link', path, inode });
    return inode;
  }

  write(inode: Inode, parts: readonly Uint8Array[], position: number): number {
    let bytes: Uint8Array = Buffer.concat(parts);
    const free = this.capacity - this.#used() + Math.max(0, inode.current.length - position);
    if (free <= 0) throw systemError('ENOSPC', 'write');
    if (bytes.length > free) bytes = bytes.subarray(0, free);
    if (bytes.length > 1 && unit(this.random) < this.#shortWrites) {
      bytes = bytes.subarray(0, between(this.random, 1, bytes.length));
    }
    const write = { position, bytes };
    inode.current = applied(inode.current, write);
    inode.pending.push(write);
    this.stats.writes += 1;
    this.stats.bytesWritten += bytes.length;
    return bytes.length;
  }

  truncate(inode: Inode, length: number): void {
    const write = { position: length, bytes: null };
    inode.current = applied(inode.current, write);
    inode.pending.push(write);
  }

  sync(inode: Inode): void {
    this.stats.datasyncs += 1;
    const pending = inode.pending.splice(0);
    if (this.failingSyncs > 0) {
      this.failingSyncs -= 1;
      throw systemError('EIO', 'fdatasync');
    }
    for (const write of pending) inode.durable = applied(inode.durable, write);
  }

  syncDir(dir: string): void {
    this.stats.dirSyncs += 1;
    if (this.failingDirSyncs > 0 && this.skippedDirSyncs-- <= 0) {
      this.failingDirSyncs -= 1;
      throw systemError('EIO', 'fsync');
    }
    const dirs = new Set([dir]);
    const kept: Change[] = [];
    const synced: Change[] = [];
    for (const change of this.#changes.reverse()) {
      const touched = dirsOf(change);
      if (touched.some((each) => dirs.has(each))) {
        for (const each of touched) dirs.add(each);
        synced.unshift(change);
      } else kept.unshift(change);
    }
    this.#changes = kept;
    for (const change of synced) applyChange(this.#durableFiles, change);
  }

  mkdir(path: string): void {
    for (let dir = path; !this.#dirs.has(dir); dir = dirname(dir)) this.#dirs.add(dir);
  }

  list(path: string): string[] {
    const names = new Set<string>();
    for (const each of [...this.#files.keys(), ...this.#dirs]) {
      if (each.startsWith(`${path}/`)) names.add(each.slice(path.length + 1).split('/')[0]);
    }
    return [...names];
  }

  rename(from: string, to: string): void {
    for (const dir of [...this.#dirs]) {
      if (dir !== from && !dir.startsWith(`${from}/`)) continue;
      this.#dirs.add(to + dir.slice(from.length));
    }
    this.#change({ kind: 'rename', from, to });
    for (const dir of [...this.#dirs]) {
      if (dir === from || dir.startsWith(`${from}/`)) this.#dirs.delete(dir);
    }
  }

  unlink(path: string): void {
    this.inode(path);
    this.#change({ kind: 'unlink', path });
  }

  rmdir(path: string): void {
    for (const file of this.paths(`${path}/`)) this.#change({ kind: 'unlink', path: file });
    for (const dir of [...this.#dirs]) {
      if (dir === path || dir.startsWith(`${path}/`)) this.#dirs.delete(dir);
    }
  }

  #refuseDead(life: number): void {
    if (this.#dead || life !== this.#life) throw new Error('this process has ended');
  }

  #change(change: Change): void {
    applyChange(this.#files, change);
    this.#changes.push(change);
  }

  #used(): number {
    let used = 0;
    for (const inode of this.#files.values()) used += inode.current.length;
    return used;
  }

  #crashNames(): void {
    const cut = new Set<string>();
    for (const change of this.#changes.splice(0)) {
      const touched = dirsOf(change);
      if (touched.some((dir) => cut.has(dir)) || unit(this.random) < 0.5) {
        for (const dir of touched) cut.add(dir);
      } else applyChange(this.#durableFiles, change);
    }
    for (const path of this.#durableFiles.keys()) this.mkdir(dirname(path));
  }

  #crashInode(inode: Inode, reorder: boolean): void {
    const pending = inode.pending.splice(0);
    const survivors = reorder ? this.#someSectors(pending) : this.#prefix(pending);
    for (const write of survivors) inode.durable = applied(inode.durable, write);
    inode.current = inode.durable.slice();
  }

  /** The writes up to a random byte of one of them. */
  #prefix(pending: readonly Write[]): Write[] {
    if (pending.length === 0) return [];
    const whole = between(this.random, 0, pending.length + 1);
    const survivors = pending.slice(0, whole);
    const torn = pending.at(whole);
    if (torn?.bytes) {
      const bytes = torn.bytes.subarray(0, between(this.random, 0, torn.bytes.length + 1));
      survivors.push({ position: torn.position, bytes });
    }
    return survivors;
  }

  #someSectors(pending: readonly Write[]): Write[] {
    const survivors: Write[] = [];
    for (const write of pending) {
      if (write.bytes === null) {
        survivors.push(write);
        continue;
      }
      for (let at = 0; at < write.bytes.length; ) {
        const left = SECTOR - ((write.position + at) % SECTOR);
        const bytes = write.bytes.subarray(at, at + left);
        if (unit(this.random) < 0.5) survivors.push({ position: write.position + at, bytes });
        at += bytes.length;
      }
    }
    return survivors;
  }
}

class SimMount implements Disk {
  readonly #machine: SimDisk;
  readonly #life: number;

  constructor(machine: SimDisk, life: number) {
    this.#machine = machine;
    this.#life = life;
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    const process = { disk: this.#machine, life: this.#life };
    return this.#step((disk) => new SimFile(path, disk.open(path, mode), process));
  }

  mkdir(path: string): Promise<void> {
    return this.#step((disk) => disk.mkdir(path));
  }

  list(path: string): Promise<readonly string[]> {
    return this.#step((disk) => disk.list(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#step((disk) => disk.rename(from, to));
  }

  unlink(path: string): Promise<void> {
    return this.#step((disk) => disk.unlink(path));
  }

  rmdir(path: string): Promise<void> {
    return this.#step((disk) => disk.rmdir(path));
  }

  syncDir(path: string): Promise<void> {
    return this.#step((disk) => disk.syncDir(path));
  }

  #step<T>(effect: (disk: SimDisk) => T): Promise<T> {
    return this.#machine.step(this.#life, () => effect(this.#machine));
  }
}

class SimFile implements DiskFile {
  readonly path: string;
  readonly #inode: Inode;
  readonly #process: { readonly disk: SimDisk; readonly life: number };
  #closed = false;

  constructor(path: string, inode: Inode, process: { disk: SimDisk; life: number }) {
    this.path = path;
    this.#inode = inode;
    this.#process = process;
  }

  writev(parts: readonly Uint8Array[], position: number): Promise<number> {
    return this.#step((disk) => disk.write(this.#inode, parts, position));
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#step((disk) => {
      const bytes = this.#inode.current.subarray(position, position + into.length);
      into.set(bytes);
      disk.stats.bytesRead += bytes.length;
      return bytes.length;
    });
  }

  async datasync(): Promise<void> {
    await this.#process.disk.gate;
    await this.#step((disk) => disk.sync(this.#inode));
  }

  truncate(length: number): Promise<void> {
    return this.#step((disk) => disk.truncate(this.#inode, length));
  }

  size(): Promise<number> {
    return this.#step(() => this.#inode.current.length);
  }

  async close(): Promise<void> {
    assert(!this.#closed, 'a file is closed once');
    this.#closed = true;
  }

  #step<T>(effect: (disk: SimDisk) => T): Promise<T> {
    assert(!this.#closed, 'a closed file is not used');
    const { disk, life } = this.#process;
    return disk.step(life, () => effect(disk));
  }
}

function applied(content: Uint8Array, { position, bytes }: Write): Uint8Array {
  if (bytes === null) return resized(content, position);
  const end = position + bytes.length;
  const next = resized(content, Math.max(content.length, end));
  next.set(bytes, position);
  return next;
}

function resized(content: Uint8Array, length: number): Uint8Array {
  const next = new Uint8Array(length);
  next.set(content.subarray(0, length));
  return next;
}

function dirsOf(change: Change): string[] {
  if (change.kind !== 'rename') return [dirname(change.path)];
  return [dirname(change.from), dirname(change.to), change.from];
}

/** Carries out a change on a table of names; a renamed directory takes its files along. */
function applyChange(files: Map<string, Inode>, change: Change): void {
  if (change.kind === 'link') {
    files.set(change.path, change.inode);
  } else if (change.kind === 'unlink') {
    files.delete(change.path);
  } else {
    for (const path of [...files.keys()]) {
      if (path !== change.from && !path.startsWith(`${change.from}/`)) continue;
      files.set(change.to + path.slice(change.from.length), present(files.get(path), 'listed'));
      files.delete(path);
    }
  }
}

function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
