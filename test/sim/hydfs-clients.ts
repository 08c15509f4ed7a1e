/**
 * Clients of the nodes: tasks that append by number, people who append without, readers, and those
 * who make and remove files. All they ask and hear goes into the history; what no answer may be is
 * told at once.
 */
import { between, type FaultCode, isFault, type Random, unit } from '../../src/core/index.ts';
import type { FileWriter } from '../../src/hydfs/index.ts';
import {
  type Append,
  type Create,
  type History,
  type Open,
  payloadOf,
  type Remove,
} from './hydfs-history.ts';
import type { SimNode } from './hydfs-machine.ts';
import { Broken } from './raft-checks.ts';

/** Faults that say that something did not come about in time. */
const passing: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'FILES_UNREACHABLE',
  'NOT_PRIMARY',
  'REPLICA_NOT_READY',
  'PEER_UNREACHABLE',
  'PEER_LOST',
  'PEER_SILENT',
  'PEER_SLOW',
  'PEER_CLOSED',
  'REQUESTS_TOO_MANY',
  'REQUEST_UNKNOWN',
  'LOG_CLOSED',
  'LOG_CORRUPT',
  'DISK_FULL',
  'DISK_FAILED',
]);

export interface Counted {
  acked: number;
  read: number;
  fenced: number;
  made: number;
  removed: number;
  failed: number;
  merged: number;
}

export class SimClients {
  readonly history: History;
  readonly counted: Counted = {
    acked: 0,
    read: 0,
    fenced: 0,
    made: 0,
    removed: 0,
    failed: 0,
    merged: 0,
  };
  readonly #random: Random;
  readonly #broken: (problem: unknown) => void;
  readonly #epochs = new Map<string, number>();
  /** How long a client knows a file to be, by client and name. */
  readonly #known = new Map<string, number>();
  #ids = 0;

  constructor(options: {
    readonly history: History;
    readonly random: Random;
    readonly broken: (problem: unknown) => void;
  }) {
    this.history = options.history;
    this.#random = options.random;
    this.#broken = options.broken;
  }

  /** A new attempt of the task `writer`: it takes over, and appends `count` times. */
  attempt(node: SimNode, name: string, writer: string, count: number): void {
    this.#run(name, node, async () => {
      const key = `${name} ${writer}`;
      const epoch = (this.#epochs.get(key) ?? 0) + 1;
      this.#epochs.set(key, epoch);
      const asked = this.history.asked(name, node.client);
      const open: Open = { ...asked, writer, epoch, position: 0 };
      this.history.opens.push(open);
      const opened = await node.fs.openWriter(name, writer, epoch, { create: true });
      open.position = opened.position.seq;
      open.ended = this.history.tick();
      this.#knows(node, name, 0);
      await this.#appends(node, opened, open, count);
    });
  }

  async #appends(node: SimNode, opened: FileWriter, open: Open, count: number): Promise<void> {
    let seq = opened.position.seq;
    const under: Promise<void>[] = [];
    for (let n = 0; n < count; n++) {
      seq += 1;
      const append = this.#numbered(node, opened, open, seq);
      // It may fail while the attempt waits for something else; then that is heard a little later.
      append.catch(() => undefined);
      under.push(append);
      if (under.length >= between(this.#random, 1, 6)) await Promise.all(under.splice(0));
      if (unit(this.#random) < 0.3) await node.process.pause(between(this.#random, 1, 60));
    }
    await Promise.all(under);
  }

  async #numbered(node: SimNode, opened: FileWriter, open: Open, seq: number): Promise<void> {
    const { name, writer, epoch } = open;
    const append = this.#append(node, name, { writer, epoch, seq });
    const payload = payloadOf(append, between(this.#random, 0, 120));
    const cut = between(this.#random, 0, payload.length);
    const before = this.#known.get(`${node.client} ${name}`) ?? 0;
    try {
      await opened.append({ seq, parts: [payload.slice(0, cut), payload.slice(cut)] });
    } catch (error) {
      if (isFault(error, 'WRITER_NOT_OPEN')) {
        throw new Broken(`writers: ${name} forgot the open of ${writer} in epoch ${epoch}`);
      }
      throw error;
    }
    this.#acked(append);
    this.#knows(node, name, before + payload.length);
  }

  /** Somebody appends without a number. */
  anonymous(node: SimNode, name: string): void {
    this.#run(name, node, async () => {
      const append = this.#append(node, name, { writer: '', epoch: 0, seq: 0 });
      const payload = payloadOf(append, between(this.#random, 0, 300));
      const before = this.#known.get(`${node.client} ${name}`) ?? 0;
      const { length } = await node.fs.append(name, payload);
      this.#acked(append);
      this.#saw(node, name, length, before + payload.length);
    });
  }

  #append(
    { client }: SimNode,
    name: string,
    who: Pick<Append, 'writer' | 'epoch' | 'seq'>,
  ): Append {
    this.#ids += 1;
    const append = { ...this.history.asked(name, client), id: this.#ids, ...who };
    this.history.appends.push(append);
    return append;
  }

  #acked(append: Append): void {
    append.ended = this.history.tick();
    this.counted.acked += 1;
  }

  read(node: SimNode, name: string): void {
    this.#run(name, node, async () => {
      const asked = this.history.asked(name, node.client);
      const key = `${node.client} ${name}`;
      const known = this.#known.get(key) ?? 0;
      const from = unit(this.#random) < 0.5 ? 0 : between(this.#random, 0, known + 1);
      const parts: Uint8Array[] = [];
      let whole = false;
      try {
        for await (const part of node.fs.read(name, { from })) parts.push(part.slice());
        whole = true;
      } finally {
        const ended = this.history.tick();
        const bytes = Buffer.concat(parts);
        this.history.reads.push({ ...asked, ended, from, bytes, whole });
        this.counted.read += bytes.length;
        if (whole)
          this.#saw(node, name, Math.max(from + bytes.length, from === 0 ? 0 : known), known);
      }
    });
  }

  stat(node: SimNode, name: string): void {
    this.#run(name, node, async () => {
      const asked = this.history.asked(name, node.client);
      const known = this.#known.get(`${node.client} ${name}`);
      try {
        const { length } = await node.fs.stat(name);
        this.history.stats.push({ ...asked, ended: this.history.tick(), length });
        this.#saw(node, name, length, known ?? 0);
      } catch (error) {
        if (!isFault(error, 'FILE_MISSING')) throw error;
        this.history.stats.push({ ...asked, ended: this.history.tick(), length: null });
        throw error;
      }
    });
  }

  create(node: SimNode, name: string): void {
    this.#run(name, node, async () => {
      const asked: Create = { ...this.history.asked(name, node.client), outcome: 'unknown' };
      this.history.creates.push(asked);
      try {
        await node.fs.create(name);
        asked.outcome = 'made';
        this.counted.made += 1;
      } catch (error) {
        if (!isFault(error, 'FILE_EXISTS')) throw error;
        asked.outcome = 'exists';
      }
      asked.ended = this.history.tick();
      this.#knows(node, name, 0);
    });
  }

  remove(node: SimNode, name: string): void {
    this.#run(name, node, async () => {
      const asked: Remove = { ...this.history.asked(name, node.client), outcome: 'unknown' };
      this.history.removes.push(asked);
      try {
        await node.fs.remove(name);
        asked.outcome = 'removed';
        this.counted.removed += 1;
      } catch (error) {
        if (!isFault(error, 'FILE_MISSING')) throw error;
        asked.outcome = 'missing';
      }
      asked.ended = this.history.tick();
    });
  }

  trim(node: SimNode, name: string): void {
    this.#run(name, node, async () => {
      const known = this.#known.get(`${node.client} ${name}`) ?? 0;
      const before = between(this.#random, 0, known + 1);
      this.history.trims.push({ ...this.history.asked(name, node.client), before });
      await node.fs.trim(name, before);
    });
  }

  merge(node: SimNode, name: string): void {
    this.#run(name, node, async () => {
      await node.fs.merge(name);
      this.counted.merged += 1;
    });
  }

  /** The client knows that the file has at least `length` bytes. */
  #knows({ client }: SimNode, name: string, length: number): void {
    const key = `${client} ${name}`;
    this.#known.set(key, Math.max(length, this.#known.get(key) ?? 0));
  }

  /** It saw `length` bytes; when it asked it knew of `known`. */
  #saw(node: SimNode, name: string, length: number, known: number): void {
    if (isKept(name) && length < known) {
      throw new Broken(`reads: ${node.client} saw ${length} bytes of ${name} and knew of ${known}`);
    }
    this.#knows(node, name, length);
  }

  #run(name: string, node: SimNode, act: () => Promise<void>): void {
    const knew = isKept(name) && this.#known.has(`${node.client} ${name}`);
    act().catch((error: unknown) => {
      if (knew && isFault(error, 'FILE_MISSING')) {
        this.#broken(new Broken(`lost: ${node.client} knew ${name} and heard that it is missing`));
      } else if (isFault(error) && (passing.has(error.code) || answers.has(error.code))) {
        this.counted.failed += 1;
        if (error.code === 'FENCED') this.counted.fenced += 1;
      } else this.#broken(error);
    });
  }
}

const answers: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'FENCED',
  'WRITER_GAP',
  'FILE_MISSING',
  'FILE_EXISTS',
  'FILE_TRIMMED',
]);

/** Whether a file is never removed, told by its name. */
export function isKept(name: string): boolean {
  return !name.startsWith('passing');
}
