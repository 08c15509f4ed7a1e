/**
 * Random histories of writers that append, repeat, are replaced, killed and cut off, against a model:
 * every acknowledged append is there exactly once, in its writer's order, and no fence is lowered.
 * Variants with one rule broken must each be noticed.
 */
import test from 'ava';
import fc from 'fast-check';
import { isFault, present } from '../../src/core/index.ts';
import {
  type FileCore,
  type FileWriter,
  fileCore,
  type LocalFileSystem,
  type LocalFileSystemOptions,
} from '../../src/hydfs/index.ts';
import type { SimDisk } from '../sim/sim-disk.ts';
import { collect, microtasks, openFiles, simDisk } from './helpers.ts';

const FILE = 'sink';
const WRITERS = ['a', 'b'];

type Command =
  | { readonly kind: 'open'; readonly writer: number }
  | { readonly kind: 'append'; readonly writer: number; readonly sizes: readonly number[] }
  | { readonly kind: 'repeat'; readonly writer: number; readonly back: number }
  | { readonly kind: 'stale'; readonly writer: number; readonly next: boolean }
  | { readonly kind: 'gap'; readonly writer: number }
  | { readonly kind: 'wait' }
  | { readonly kind: 'turns'; readonly turns: number }
  | { readonly kind: 'fail-sync' }
  | { readonly kind: 'end'; readonly power: boolean; readonly reorder: boolean };

const writer = fc.nat(WRITERS.length - 1);
const sizes = fc.array(fc.nat(300), { minLength: 1, maxLength: 5 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('open'), writer }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append'), writer, sizes }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('repeat'), writer, back: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stale'), writer, next: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('gap'), writer }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait') }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('turns'), turns: fc.nat(80) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail-sync') }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('end'), power: fc.boolean(), reorder: fc.boolean() }),
  },
);

interface Variant {
  readonly sync?: LocalFileSystemOptions['sync'];
  /** The rules of one life of the process. */
  readonly core?: () => FileCore;
}

/** What the checker knows of one writer. */
interface Client {
  readonly name: string;
  /** The data by number - 1, as far as it was appended; and how many of them were acknowledged. */
  made: string[];
  acked: number;
  epoch: number;
  ackedEpoch: number;
  current: FileWriter | null;
  /** A handle of an epoch that has been replaced. */
  replaced: FileWriter | null;
}

class History {
  readonly #machine: SimDisk;
  readonly #variant: Variant;
  readonly #clients: Client[];
  #files: LocalFileSystem | null = null;
  #settling: Promise<unknown>[] = [];
  #broken: string | null = null;
  #serial = 0;

  constructor(seed: number, variant: Variant) {
    this.#machine = simDisk(seed, 0.1);
    this.#variant = variant;
    this.#clients = WRITERS.map((name) => {
      const none = { current: null, replaced: null };
      return { name, made: [], acked: 0, epoch: 0, ackedEpoch: 0, ...none };
    });
  }

  async run(commands: readonly Command[]): Promise<string | null> {
    for (const each of [...commands, { kind: 'end', power: true, reorder: true } as const]) {
      try {
        await this.#step(each);
      } catch (error) {
        this.#breaks(String(error));
      }
      if (this.#broken !== null) return `${this.#broken} (at ${each.kind})`;
    }
    return null;
  }

  async #step(each: Command): Promise<void> {
    switch (each.kind) {
      case 'open':
        return this.#open(this.#clients[each.writer]);
      case 'append':
        for (const size of each.sizes) this.#append(this.#clients[each.writer], size);
        return;
      case 'repeat':
        return this.#repeat(this.#clients[each.writer], each.back);
      case 'stale':
        return this.#stale(this.#clients[each.writer], each.next);
      case 'gap':
        return this.#gap(this.#clients[each.writer]);
      case 'wait':
        await Promise.allSettled(this.#settling.splice(0));
        return;
      case 'turns':
        return microtasks(each.turns);
      case 'fail-sync':
        this.#machine.failingSyncs = 1;
        return;
      case 'end':
        return this.#end(each);
    }
  }

  async #open(client: Client): Promise<void> {
    const files = await this.#running();
    client.epoch += 1;
    const { name, epoch } = client;
    const opened = await files.openWriter(FILE, name, epoch, { create: true }).catch(() => null);
    if (opened === null) return; // a failed sync ended the log
    client.ackedEpoch = epoch;
    const { seq } = opened.position;
    if (seq !== client.made.length) {
      this.#breaks(`${name} was opened at ${seq}, but appended ${client.made.length}`);
    }
    client.acked = client.made.length;
    client.replaced = client.current ?? client.replaced;
    client.current = opened;
  }

  #append(client: Client, size: number): void {
    if (client.current === null) return;
    const data = `${client.name}${this.#serial}:`.padEnd(size, '.');
    this.#serial += 1;
    client.made.push(data);
    this.#send(client, client.current, client.made.length);
  }

  #repeat(client: Client, back: number): void {
    const seq = client.made.length - back;
    if (client.current !== null && seq > 0) this.#send(client, client.current, seq);
  }

  #send(client: Client, handle: FileWriter, seq: number): void {
    const parts = [Buffer.from(client.made[seq - 1])];
    const acknowledge = (): void => {
      client.acked = Math.max(client.acked, seq);
    };
    const refused = (error: unknown): void => {
      const codes = ['FENCED', 'WRITER_GAP', 'WRITER_NOT_OPEN'] as const;
      if (codes.some((code) => isFault(error, code))) this.#breaks(String(error));
    };
    this.#settling.push(handle.append({ seq, parts }).then(acknowledge, refused));
  }

  /** A replaced handle must not get anything in, be it new or a repeat. */
  async #stale(client: Client, next: boolean): Promise<void> {
    if (client.replaced === null) return;
    const seq = Math.max(1, client.made.length + (next ? 1 : 0));
    await this.#mustFail(client.replaced, seq, 'a replaced writer was let in');
  }

  async #gap(client: Client): Promise<void> {
    if (client.current === null) return;
    await this.#mustFail(client.current, client.made.length + 2, 'a gap was let in');
  }

  async #mustFail(handle: FileWriter, seq: number, else_: string): Promise<void> {
    const parts = [Buffer.from('must not be there')];
    const outcome = await handle.append({ seq, parts }).then(
      () => 'done',
      () => 'refused',
    );
    if (outcome === 'done') this.#breaks(else_);
  }

  async #end({ power, reorder }: { power: boolean; reorder: boolean }): Promise<void> {
    if (power) this.#machine.crash({ reorder });
    else this.#machine.kill();
    await Promise.allSettled(this.#settling.splice(0));
    this.#machine.failingSyncs = 0;
    this.#files = null;
    for (const client of this.#clients) {
      client.current = null;
      client.replaced = null;
    }
    await this.#compare(await this.#running());
  }

  async #running(): Promise<LocalFileSystem> {
    const { sync = 'group', core } = this.#variant;
    this.#files ??= await openFiles(this.#machine.mount(), {
      segmentBytes: 600,
      random: this.#machine.random,
      sync,
      core: core?.() ?? fileCore,
    });
    return this.#files;
  }

  async #compare(files: LocalFileSystem): Promise<void> {
    const found = new Map(this.#clients.map(({ name }) => [name, { seq: 0, epoch: 0 }]));
    let length = 0;
    if ((await files.list()).includes(FILE)) {
      for (const entry of await collect(files.entries(FILE))) {
        const client = present(
          this.#clients.find(({ name }) => name === entry.writer),
          'known',
        );
        const last = present(found.get(entry.writer), 'known');
        if (entry.epoch < last.epoch) this.#breaks(`epoch ${entry.epoch} after ${last.epoch}`);
        last.epoch = entry.epoch;
        length += entry.data.length;
        if (entry.kind === 'open') continue;
        last.seq += 1;
        const data = Buffer.from(entry.data).toString();
        if (entry.seq !== last.seq) this.#breaks(`number ${entry.seq} where ${last.seq} belongs`);
        if (data !== client.made[last.seq - 1]) this.#breaks(`number ${entry.seq} is ${data}`);
      }
      if ((await files.stat(FILE)).length !== length) this.#breaks('stat counts other bytes');
    }
    for (const client of this.#clients) {
      const { seq, epoch } = present(found.get(client.name), 'known');
      if (seq < client.acked) this.#breaks(`${client.acked} acked, ${seq} there`);
      if (epoch < client.ackedEpoch) this.#breaks(`epoch ${client.ackedEpoch} was forgotten`);
      client.made.length = seq;
      client.acked = seq;
    }
  }

  #breaks(what: string): void {
    this.#broken ??= what;
  }
}

function property(variant: Variant): fc.IAsyncProperty<[number, Command[]]> {
  const commands = fc.array(command, { minLength: 4, maxLength: 40 });
  return fc.asyncProperty(fc.nat(), commands, async (seed, history) => {
    const broken = await new History(seed, variant).run(history);
    if (broken !== null) throw new Error(broken);
  });
}

test('every acknowledged append is there exactly once, in order, whatever fails', async (t) => {
  const result = await fc.check(property({}), { numRuns: 600, seed: 11 });
  t.false(result.failed, fc.defaultReportMessage(result) ?? '');
});

/** A core that decides otherwise where the shipped one says `kind`. */
function instead(
  kind: ReturnType<FileCore['decide']>['kind'],
  outcome: ReturnType<FileCore['decide']>,
): () => FileCore {
  return () => ({
    ...fileCore,
    decide(state, request) {
      const shipped = fileCore.decide(state, request);
      return shipped.kind === kind && request.kind === 'append' ? outcome : shipped;
    },
  });
}

/** Takes a number for new when the writer had it before it was last opened. */
function forgetfulCore(): FileCore {
  const atOpen = new Map<string, number>();
  return {
    ...fileCore,
    decide(state, request) {
      const row = request.kind === 'create' ? undefined : state.writers.get(request.writer);
      if (request.kind === 'open') atOpen.set(request.writer, row?.seq ?? 0);
      const shipped = fileCore.decide(state, request);
      const old = request.kind === 'append' && request.seq <= (atOpen.get(request.writer) ?? 0);
      return shipped.kind === 'repeat' && old ? { kind: 'logged' } : shipped;
    },
  };
}

/** Checks the number of an append and forgets its epoch. */
function fencelessCore(): FileCore {
  return {
    ...fileCore,
    decide(state, request) {
      const epoch =
        request.kind === 'append' ? state.writers.get(request.writer)?.epoch : undefined;
      return fileCore.decide(state, epoch === undefined ? request : { ...request, ...{ epoch } });
    },
  };
}

/** An open that is logged but does not raise the writer's epoch. */
function loweringCore(): FileCore {
  return {
    ...fileCore,
    apply(state, request, index) {
      const before = request.kind === 'open' ? state.writers.get(request.writer)?.epoch : undefined;
      fileCore.apply(state, request, index);
      const row = request.kind === 'open' ? state.writers.get(request.writer) : undefined;
      if (row !== undefined && before !== undefined) row.epoch = before;
    },
  };
}

const planted: Readonly<Record<string, Variant>> = {
  'a driver that acknowledges before the sync': { sync: 'os' },
  'a store without a fence': { core: fencelessCore },
  'a fence that is logged but not kept': { core: loweringCore },
  'a store without dedup': { core: instead('repeat', { kind: 'logged' }) },
  'dedup that is forgotten when a writer is opened again': { core: forgetfulCore },
  'a repeat acknowledged before its original is durable': {
    core: instead('repeat', { kind: 'repeat', index: -1 }),
  },
  'gaps that are let in': { core: instead('gap', { kind: 'logged' }) },
};

for (const [name, variant] of Object.entries(planted)) {
  test(`the exactly-once check notices ${name}`, async (t) => {
    const options = { numRuns: 10_000, seed: 11, endOnFailure: true };
    const result = await fc.check(property(variant), options);
    t.true(result.failed, `${result.numRuns} histories passed`);
    t.log(`${result.numRuns} histories: ${present(result.errorInstance, 'it failed')}`);
  });
}
