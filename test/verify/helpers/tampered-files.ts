import type {
  FileEntry,
  FileInfo,
  FileSystem,
  FileWriter,
  ReadRange,
} from '../../../src/hydfs/index.ts';

/** What becomes of the entries of the file `name`. */
export type Tamper = (name: string, entries: FileEntry[]) => FileEntry[];

/** `files`, with the entries of each file as `tamper` gives them back; nothing on disk is touched. */
export class TamperedFiles implements FileSystem {
  readonly #files: FileSystem;
  readonly #tamper: Tamper;

  constructor(files: FileSystem, tamper: Tamper) {
    this.#files = files;
    this.#tamper = tamper;
  }

  async *entries(name: string): AsyncGenerator<FileEntry> {
    const all: FileEntry[] = [];
    for await (const entry of this.#files.entries(name)) {
      all.push({ ...entry, data: entry.data.slice() });
    }
    yield* this.#tamper(name, all);
  }

  create(name: string): Promise<FileInfo> {
    return this.#files.create(name);
  }

  openWriter(name: string, writer: string, epoch: number): Promise<FileWriter> {
    return this.#files.openWriter(name, writer, epoch);
  }

  append(name: string, data: Uint8Array): Promise<{ readonly length: number }> {
    return this.#files.append(name, data);
  }

  /** A file whose first entries were taken away is one that was trimmed to what is left. */
  async stat(name: string): Promise<FileInfo> {
    const info = await this.#files.stat(name);
    for await (const first of this.entries(name)) return { ...info, trimmedTo: first.offset };
    return info;
  }

  list(prefix?: string): Promise<readonly string[]> {
    return this.#files.list(prefix);
  }

  remove(name: string): Promise<void> {
    return this.#files.remove(name);
  }

  read(name: string, range?: ReadRange): AsyncIterable<Uint8Array> {
    return this.#files.read(name, range);
  }

  tail(
    name: string,
    options: { readonly from?: number; readonly signal: AbortSignal },
  ): AsyncIterable<Uint8Array> {
    return this.#files.tail(name, options);
  }

  trim(name: string, beforeOffset: number): Promise<void> {
    return this.#files.trim(name, beforeOffset);
  }

  close(): Promise<void> {
    return this.#files.close();
  }
}
