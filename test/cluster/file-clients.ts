/**
 * Clients that append to one file at once, each at a node of its own choice, and what may be said of
 * the file afterwards.
 *
 * 1. A client appends its lines one after the other. What was acknowledged must be there once; what
 *    failed may be there, once at most; a client's lines stand in the order in which it wrote them.
 * 2. From time to time a client reads the whole file at its node: everything acknowledged to it so
 *    far is there (read-my-writes).
 */
import { isFault } from '../../src/core/index.ts';
import { reachService, type Service } from '../../src/node/index.ts';
import type { ClusterProcess } from './cluster.ts';

/** Appends between two looks at the whole file. */
const LOOK_EVERY = 40;

export class FileClient {
  readonly id: string;
  readonly acknowledged: number[] = [];
  readonly unknown: number[] = [];
  /** What was not as it must be. */
  readonly complaints: string[] = [];
  /** How often the file was read. */
  looks = 0;
  /** Why it ended before it was stopped. */
  failure: unknown = null;
  readonly #name: string;
  readonly #node: ClusterProcess;
  readonly #ended: Promise<void>;
  #stopped = false;

  constructor(name: string, node: ClusterProcess, id: string) {
    this.id = id;
    this.#name = name;
    this.#node = node;
    this.#ended = this.#run().catch((error: unknown) => {
      this.failure = error;
    });
  }

  /** Ends after the append that is under way. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.#ended;
  }

  async #run(): Promise<void> {
    const service = await reachService(this.#node.data, { make: false });
    try {
      for (let line = 0; !this.#stopped; line++) {
        await this.#append(service, line);
        if (line % LOOK_EVERY === LOOK_EVERY - 1) await this.#look(service);
      }
    } finally {
      await service.close();
    }
  }

  async #append(service: Service, line: number): Promise<void> {
    try {
      await service.append(this.#name, Buffer.from(`${this.id} ${line}\n`));
      this.acknowledged.push(line);
    } catch (error) {
      if (!isFault(error, 'FILES_UNREACHABLE')) throw error;
      this.unknown.push(line);
    }
  }

  async #look(service: Service): Promise<void> {
    const wanted = this.acknowledged.length;
    try {
      const text = await textOf(service.read(this.#name));
      this.looks += 1;
      this.complaints.push(...problemsOf(this, text, wanted));
    } catch (error) {
      if (!isFault(error, 'FILES_UNREACHABLE')) throw error;
    }
  }
}

/** What is wrong with `text`, as far as `client` can tell from its first `wanted` acknowledgements. */
export function problemsOf(client: FileClient, text: string, wanted: number): string[] {
  const prefix = `${client.id} `;
  const found = text
    .split('\n')
    .filter((line) => line.startsWith(prefix))
    .map((line) => Number(line.slice(prefix.length)));
  const problems: string[] = [];
  for (let i = 1; i < found.length; i++) {
    if (found[i] <= found[i - 1]) problems.push(`${client.id}: ${found[i]} after ${found[i - 1]}`);
  }
  const there = new Set(found);
  const missing = client.acknowledged.slice(0, wanted).filter((line) => !there.has(line));
  if (missing.length > 0) problems.push(`${client.id}: ${missing.join(', ')} are missing`);
  return problems;
}

export async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}
