/** Files of a data directory without a cluster have one copy. */
import { fault } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import { appendFile } from './append-file.ts';
import type { CopyService, Merged, MultiAppended, StoredCopies } from './copy-service.ts';

export class LocalCopies implements CopyService {
  readonly #fs: FileSystem;

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  async places(): Promise<null> {
    return null;
  }

  async merge(name: string): Promise<Merged> {
    await this.#fs.stat(name);
    return { replicas: 0, blocks: 0, repaired: [] };
  }

  async stored(): Promise<StoredCopies> {
    const names = await this.#fs.list();
    const files = await Promise.all(names.map((name) => this.#fs.stat(name)));
    return { address: 'local', ringId: null, files };
  }

  readFrom(): AsyncIterable<Uint8Array> {
    throw fault('CLUSTER_NEEDED', { what: 'a replica' });
  }

  appendFile(name: string, path: string): Promise<number> {
    return appendFile(this.#fs, name, path);
  }

  async multiAppend(): Promise<readonly MultiAppended[]> {
    throw fault('CLUSTER_NEEDED', { what: 'appending from several nodes' });
  }
}
