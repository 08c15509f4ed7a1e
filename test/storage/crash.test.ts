/**
 * Random histories of a log on a failing disk, against a model: after each kill or power cut the log
 * is a prefix of what was appended that has at least everything acknowledged. The same check is then
 * run on variants with one guard taken away, and must notice each.
 */
import test from 'ava';
import fc from 'fast-check';
import { present } from '../../src/core/index.ts';
import type { Disk, DiskFile, LogOptions, SegmentedLog } from '../../src/storage/index.ts';
import type { SimDisk } from '../sim/sim-disk.ts';
import { collect, fileWith, microtasks, openLog, simDisk, withFiles } from './helpers.ts';

type Command =
  | { readonly kind: 'append'; readonly sizes: readonly number[] }
  | { readonly kind: 'wait' }
  | { readonly kind: 'turns'; readonly turns: number }
  | { readonly kind: 'trim' }
  | { readonly kind: 'fail-sync' }
  | { readonly kind: 'fill'; readonly free: number }
  | { readonly kind: 'end'; readonly power: boolean; readonly reorder: boolean };

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append'), sizes: sizes() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait') }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('turns'), turns: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail-sync') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fill'), free: fc.nat(600) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('end'), power: fc.boolean(), reorder: fc.boolean() }),
  },
);

function sizes(): fc.Arbitrary<number[]> {
  return fc.array(fc.oneof(fc.nat(40), fc.nat(700)), { minLength: 1, maxLength: 6 });
}

interface Variant {
  readonly sync?: LogOptions['sync'];
  readonly disk?: (disk: Disk) => Disk;
}

/** Runs one history; the first broken promise in words, or null. */
class History {
  readonly #machine: SimDisk;
  readonly #variant: Variant;
  /** What the log holds, by index, as far as was appended. */
  #appended: string[] = [];
  #acked = 0;
  #first = 0;
  #made = 0;
  #log: SegmentedLog | null = null;
  #settling: Promise<unknown>[] = [];

  constructor(seed: number, variant: Variant) {
    this.#machine = simDisk(seed, 0.2);
    this.#variant = variant;
  }

  async run(commands: readonly Command[]): Promise<string | null> {
    const ends: Command[] = [
      { kind: 'end', power: true, reorder: true },
      { kind: 'end', power: true, reorder: false },
    ];
    for (const each of [...commands, ...ends]) {
      const broken = await this.#step(each);
      if (broken !== null) return `${broken} after ${each.kind}`;
    }
    return null;
  }

  async #step(each: Command): Promise<string | null> {
    const log = await this.#opened();
    if (typeof log === 'string') return log;
    switch (each.kind) {
      case 'append':
        for (const size of each.sizes) this.#append(log, size);
        return null;
      case 'wait':
        await Promise.allSettled(this.#settling.splice(0));
        return null;
      case 'turns':
        await microtasks(each.turns);
        return null;
      case 'trim':
        this.#first = log.segmentStarts.findLast((start) => start <= this.#acked) ?? 0;
        await log.trim(this.#acked);
        return null;
      case 'fail-sync':
        this.#machine.failingSyncs = 1;
        return null;
      case 'fill': {
        const used = this.#machine.paths().map((path) => this.#machine.contents(path).length);
        this.#machine.capacity = used.reduce((sum, bytes) => sum + bytes, each.free);
        return null;
      }
      case 'end':
        return this.#end(each);
    }
  }

  #append(log: SegmentedLog, size: number): void {
    const text = `${this.#made}.`.padEnd(size, String.fromCharCode(97 + (this.#made % 26)));
    this.#made += 1;
    try {
      const { index, durable } = log.append([Buffer.from(text)]);
      this.#appended[index] = text;
      const acknowledge = (): void => {
        this.#acked = Math.max(this.#acked, index + 1);
      };
      this.#settling.push(durable.then(acknowledge, () => {}));
    } catch {
      // The log has ended: nothing was promised about this append.
    }
  }

  async #end({ power, reorder }: { power: boolean; reorder: boolean }): Promise<string | null> {
    if (power) this.#machine.crash({ reorder });
    else this.#machine.kill();
    await Promise.allSettled(this.#settling.splice(0));
    this.#log = null;
    this.#machine.capacity = Number.POSITIVE_INFINITY;
    this.#machine.failingSyncs = 0;
    const log = await this.#opened();
    return typeof log === 'string' ? log : this.#compare(log);
  }

  async #opened(): Promise<SegmentedLog | string> {
    if (this.#log !== null) return this.#log;
    const mount = this.#machine.mount();
    const disk = this.#variant.disk?.(mount) ?? mount;
    const random = this.#machine.random;
    const { sync = 'group' } = this.#variant;
    try {
      this.#log = await openLog(disk, { segmentBytes: 500, random, sync });
      return this.#log;
    } catch (error) {
      return String(error);
    }
  }

  async #compare(log: SegmentedLog): Promise<string | null> {
    if (log.nextIndex < this.#acked) return `${this.#acked} were acked, ${log.nextIndex} are left`;
    if (log.firstIndex > this.#first) return `begins at ${log.firstIndex}, not at ${this.#first}`;
    try {
      for (const { index, payload } of await collect(log.read(log.firstIndex))) {
        const text = Buffer.from(payload).toString();
        if (text !== this.#appended[index]) return `entry ${index} is ${text}`;
      }
      const start = log.segmentStarts.at(-1);
      const header = log.header === null ? null : Number(Buffer.from(log.header).toString());
      if (start !== undefined && header !== start) return `the snapshot at ${start} is ${header}`;
    } catch (error) {
      return String(error);
    }
    this.#appended = this.#appended.slice(0, log.nextIndex);
    this.#acked = log.nextIndex;
    return null;
  }
}

function property(variant: Variant): fc.IAsyncProperty<[number, Command[]]> {
  const commands = fc.array(command, { minLength: 2, maxLength: 40 });
  return fc.asyncProperty(fc.nat(), commands, async (seed, history) => {
    const broken = await new History(seed, variant).run(history);
    if (broken !== null) throw new Error(broken);
  });
}

test('whatever fails, a log keeps what it acknowledged, in order and once', async (t) => {
  const result = await fc.check(property({}), { numRuns: 600, seed: 7 });
  t.false(result.failed, fc.defaultReportMessage(result) ?? '');
});

const planted: Readonly<Record<string, Variant>> = {
  'acknowledging before the sync': { sync: 'os' },
  'a sync that does nothing': {
    disk: (disk) => withFiles(disk, (file) => fileWith(file, { datasync: async () => {} })),
  },
  'not syncing the directory': {
    disk: (disk) => ({ ...withFiles(disk, (file) => file), syncDir: async () => {} }),
  },
  'not writing the last batch again': {
    disk: (disk) => withFiles(disk, (file) => fileWith(file, dropsRewrites(file))),
  },
  'not cutting a torn tail': {
    disk: (disk) => withFiles(disk, (file) => fileWith(file, { truncate: async () => {} })),
  },
  'calling a short write complete': {
    disk: (disk) =>
      withFiles(disk, (file) =>
        fileWith(file, {
          async writev(parts, position) {
            await file.writev(parts, position);
            return parts.reduce((sum, part) => sum + part.length, 0);
          },
        }),
      ),
  },
};

/** Only a repair writes to a file from which it has read: what it just read. */
function dropsRewrites(file: DiskFile): Partial<DiskFile> {
  let read = false;
  return {
    read(into, position) {
      read = true;
      return file.read(into, position);
    },
    async writev(parts, position) {
      if (!read) return file.writev(parts, position);
      return parts.reduce((sum, part) => sum + part.length, 0);
    },
  };
}

for (const [name, variant] of Object.entries(planted)) {
  test(`the history check notices ${name}`, async (t) => {
    const result = await fc.check(property(variant), {
      numRuns: 10_000,
      seed: 7,
      endOnFailure: true,
    });
    t.true(result.failed, `${result.numRuns} histories passed`);
    t.log(`${result.numRuns} histories: ${present(result.errorInstance, 'it failed')}`);
  });
}
