/** The executable that is deployed, and its compressed forms, each made once for all hosts. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import { embedded, fault, reasonOf } from '../core/index.ts';

/** How a program travels; what the far side can unpack decides. */
export type Packing = 'zstd' | 'gzip' | 'plain';

/** Level 3 packs 114 MB to 40 MB in half a second; more costs much and saves little. */
const ZSTD_LEVEL = 3;
/** As fast as gzip can be; 45 MB instead of 41 MB at half the time. */
const GZIP_LEVEL = 1;

const HEX_SHOWN = 8;

/** Bytes to be sent, and the name that only these bytes have. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly name: string;
}

export class Program {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly #packed = new Map<Packing, Promise<Packed>>();

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.bytes = bytes;
    this.sha256 = sha256Of(bytes);
  }

  /** @throws PROGRAM_MISSING */
  static async read(path: string): Promise<Program> {
    const bytes = await readFile(path).catch((error: unknown) => {
      throw fault('PROGRAM_MISSING', { path, reason: reasonOf(error) }, error);
    });
    if (bytes.length === 0) throw fault('PROGRAM_MISSING', { path, reason: 'it is empty' });
    return new Program(path, bytes);
  }

  packed(packing: Packing): Promise<Packed> {
    const made = this.#packed.get(packing) ?? this.#pack(packing);
    this.#packed.set(packing, made);
    return made;
  }

  async #pack(packing: Packing): Promise<Packed> {
    const bytes = await packedBytes(this.bytes, packing);
    return { bytes, name: `${sha256Of(bytes)}.${packing}` };
  }
}

/** What is deployed unless another file is named: this very executable, or the one made from this tree. */
export function programPath(): string {
  if (embedded !== null) return process.execPath;
  return fileURLToPath(new URL('../../bin/rainstorm', import.meta.url));
}

/** The beginning of a hash, for people. */
export function shortHash(sha256: string): string {
  return sha256.slice(0, HEX_SHOWN);
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function packedBytes(bytes: Uint8Array, packing: Packing): Promise<Uint8Array> {
  if (packing === 'plain') return bytes;
  if (packing === 'gzip') return promisify(gzip)(bytes, { level: GZIP_LEVEL });
  const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL };
  return promisify(zstdCompress)(bytes, { params });
}
