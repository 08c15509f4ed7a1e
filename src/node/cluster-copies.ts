/** Where the files of a cluster are, as one of its nodes answers. */
import { fault, reasonOf } from '../core/index.ts';
import type { ClusterFiles, FileReplicas } from '../hydfs/index.ts';
import { ringPointOf } from '../plan/index.ts';
import { appendFile } from './append-file.ts';
import type { ClusterFileParts } from './cluster-files.ts';
import {
  type CopyService,
  type FilePlaces,
  type LocalSource,
  type Merged,
  type MultiAppended,
  type NodePlace,
  RemoteCopies,
  type StoredCopies,
} from './copy-service.ts';

export interface ClusterCopiesOptions {
  readonly files: ClusterFileParts;
  /** `host:port` of this node */
  readonly address: string;
  /** those of the nodes that live, this one included */
  readonly living: () => readonly string[];
}

export class ClusterCopies implements CopyService {
  readonly #options: ClusterCopiesOptions;
  readonly #fs: ClusterFiles;

  constructor(options: ClusterCopiesOptions) {
    this.#options = options;
    this.#fs = options.files.fs;
  }

  async places(name: string): Promise<FilePlaces> {
    await this.#fs.stat(name);
    const { fileId, version, replicas } = this.#fs.replicas(name);
    return { name, fileId, version, replicas: replicas.map(placeOf) };
  }

  async merge(name: string): Promise<Merged> {
    const { repaired, ...counts } = await this.#fs.merge(name);
    const { replicas } = this.#fs.replicas(name);
    const addressOf = (store: string): string =>
      replicas.find((each) => each.store === store)?.address ?? store;
    return { ...counts, repaired: repaired.map(addressOf) };
  }

  async stored(): Promise<StoredCopies> {
    const { address, files } = this.#options;
    return { address, ringId: ringPointOf(address), files: await files.stored() };
  }

  async *readFrom(address: string, name: string): AsyncGenerator<Uint8Array> {
    const { replicas } = await this.places(name);
    const addresses = replicas.map((each) => each.address);
    const found = theOne(addresses, address);
    if (found === null) {
      throw fault('REPLICA_UNKNOWN', { address, name, replicas: addresses.join(', ') });
    }
    const left = new AbortController();
    try {
      yield* this.#fs.readFrom(found, name, left.signal);
    } finally {
      left.abort();
    }
  }

  appendFile(name: string, path: string): Promise<number> {
    return appendFile(this.#fs, name, path);
  }

  async multiAppend(
    name: string,
    sources: readonly LocalSource[],
  ): Promise<readonly MultiAppended[]> {
    const living = this.#options.living();
    const nodes = sources.map(({ from }) => {
      const found = theOne(living, from);
      if (found !== null) return found;
      throw fault('VM_UNKNOWN', { vm: from, vms: living.join(', ') });
    });
    await this.#fs.stat(name);
    return Promise.all(
      sources.map(async ({ path }, i): Promise<MultiAppended> => {
        const from = nodes[i];
        try {
          return { from, path, appended: await this.#appendAt(from, name, path) };
        } catch (error) {
          return { from, path, problem: reasonOf(error) };
        }
      }),
    );
  }

  async #appendAt(address: string, name: string, path: string): Promise<number> {
    const { files, address: own } = this.#options;
    if (address === own) return this.appendFile(name, path);
    return new RemoteCopies(await files.clients.get(address)).appendFile(name, path);
  }
}

function placeOf({ store, address }: FileReplicas['replicas'][number]): NodePlace {
  return { address: address ?? store, ringId: address === null ? null : ringPointOf(address) };
}

/** Which of `addresses` is meant: the same `host:port`, or the only one of that host. */
function theOne(addresses: readonly string[], meant: string): string | null {
  if (addresses.includes(meant)) return meant;
  const ofHost = addresses.filter(
    (address) => address.slice(0, address.lastIndexOf(':')) === meant,
  );
  return ofHost.length === 1 ? ofHost[0] : null;
}
