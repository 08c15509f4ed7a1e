/**
 * What may be asked about where files are: their copies, and what a machine of the cluster has on its
 * own disk.
 */
import { z } from 'zod';
import { bulkBytes, bulkItems } from '../hydfs/index.ts';
import { type RpcClient, type RpcMethods, streaming, unary } from '../transport/index.ts';

/** A node and its place on the ring. */
export interface NodePlace {
  /** `host:port`; a store id where the store's node does not run */
  readonly address: string;
  /** 0..1023 */
  readonly ringId: number | null;
}

export interface FilePlaces {
  readonly name: string;
  /** The ring point of the file, 0..1023. */
  readonly fileId: number;
  /** The version of the point's configuration. */
  readonly version: number;
  /** The primary first. */
  readonly replicas: readonly NodePlace[];
}

/** What `merge` came to. */
export interface Merged {
  /** Replicas that were compared with the primary. */
  readonly replicas: number;
  readonly blocks: number;
  /** Addresses of those that differed and were made equal. */
  readonly repaired: readonly string[];
}

/** A copy that a node has, to the end of what it has. */
export interface StoredCopy {
  readonly name: string;
  readonly fileId: number;
  readonly length: number;
  readonly createdAt: number;
}

/** The copies that one node has. */
export interface StoredCopies extends NodePlace {
  readonly files: readonly StoredCopy[];
}

/** A file of a node's machine, for `multiAppend`. */
export interface LocalSource {
  /** `host:port`, or the host alone where one node has it */
  readonly from: string;
  readonly path: string;
}

export type MultiAppended =
  | { readonly from: string; readonly path: string; readonly appended: number }
  | { readonly from: string; readonly path: string; readonly problem: string };

export interface CopyService {
  /** Null where files have one copy: without a cluster. */
  places(name: string): Promise<FilePlaces | null>;
  /** Waits until all replicas of a file are equal; repairs those that are not. */
  merge(name: string): Promise<Merged>;
  /** The copies of the node that is asked. */
  stored(): Promise<StoredCopies>;
  /** The bytes that the replica at `address` has. @throws REPLICA_UNKNOWN */
  readFrom(address: string, name: string): AsyncIterable<Uint8Array>;
  /** Appends a file of the asked node's machine; gives the bytes. @throws SOURCE_UNREADABLE */
  appendFile(name: string, path: string): Promise<number>;
  /** Appends files of several nodes' machines, all at once; what fails is told in its place. */
  multiAppend(name: string, sources: readonly LocalSource[]): Promise<readonly MultiAppended[]>;
}

/** Nodes that may append at once for one request. */
const SOURCES_MAX = 256;

const text = z.string().max(1024);
const path = z.string().max(4096);
const oneFile = z.strictObject({ name: text });
const oneCopy = z.strictObject({ address: text, name: text });
const oneAppend = z.strictObject({ name: text, path });
const sources = z.array(z.strictObject({ from: text, path })).max(SOURCES_MAX);

/** What `copies` answers to requests. */
export function copyMethods(copies: CopyService): RpcMethods {
  return {
    'fs.places': unary(oneFile, ({ name }) => copies.places(name)),
    'fs.merge': unary(oneFile, ({ name }) => copies.merge(name)),
    'fs.stored': streaming(z.strictObject({}), async function* () {
      const { files, ...place } = await copies.stored();
      yield place;
      yield* files;
    }),
    'fs.read-from': streaming(oneCopy, ({ address, name }) =>
      bulkItems(copies.readFrom(address, name)),
    ),
    'fs.append-file': unary(oneAppend, (wanted) => copies.appendFile(wanted.name, wanted.path)),
    'fs.multi-append': unary(z.strictObject({ name: text, sources }), (wanted) =>
      copies.multiAppend(wanted.name, wanted.sources),
    ),
  };
}

/** The copies that a node in another process knows of. */
export class RemoteCopies implements CopyService {
  readonly #rpc: RpcClient;

  constructor(rpc: RpcClient) {
    this.#rpc = rpc;
  }

  async places(name: string): Promise<FilePlaces | null> {
    return (await this.#rpc.call('fs.places', { name })) as FilePlaces | null;
  }

  async merge(name: string): Promise<Merged> {
    return (await this.#rpc.call('fs.merge', { name })) as Merged;
  }

  async stored(): Promise<StoredCopies> {
    const items: unknown[] = [];
    for await (const item of this.#rpc.stream('fs.stored', {})) items.push(item);
    const [place, ...files] = items;
    return { ...(place as NodePlace), files: files as StoredCopy[] };
  }

  readFrom(address: string, name: string): AsyncIterable<Uint8Array> {
    return bulkBytes(this.#rpc.stream('fs.read-from', { address, name }));
  }

  async appendFile(name: string, file: string): Promise<number> {
    return (await this.#rpc.call('fs.append-file', { name, path: file })) as number;
  }

  async multiAppend(
    name: string,
    wanted: readonly LocalSource[],
  ): Promise<readonly MultiAppended[]> {
    const answer = await this.#rpc.call('fs.multi-append', { name, sources: wanted });
    return answer as MultiAppended[];
  }
}
