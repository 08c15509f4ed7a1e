/** Compares a job's local destination with the HyDFS file that it is copied from. */
import { type FileHandle, open } from 'node:fs/promises';
import type { FileSystem } from '../hydfs/index.ts';
import { cutFile } from './cut.ts';
import type { Findings } from './findings.ts';

export interface LocalCopyOptions {
  readonly findings: Findings;
  readonly fs: FileSystem;
  /** HyDFS name of the output */
  readonly name: string;
  readonly path: string;
  /** the copy was completed; otherwise it may be a beginning */
  readonly exported: boolean;
}

/** Refutes `copy` where the local file is not (the beginning of) the HyDFS file. */
export async function checkLocalCopy(options: LocalCopyOptions): Promise<void> {
  const { findings, path, exported } = options;
  const handle = await open(path, 'r').catch((error: NodeJS.ErrnoException) => error);
  if (handle instanceof Error) {
    if (handle.code === 'ENOENT' && !exported) return findings.skip('copy', 'there is no copy yet');
    findings.expect('copy', false, () => `${path} cannot be read (${handle.message})`);
    return;
  }
  try {
    await compare(options, handle);
  } finally {
    await handle.close();
  }
}

async function compare(options: LocalCopyOptions, handle: FileHandle): Promise<void> {
  const { findings, fs, name, path, exported } = options;
  const { size } = await handle.stat();
  const length = (await cutFile(fs, name))?.length ?? 0;
  findings.expect('copy', size <= length, () => {
    return `${path} has ${size} bytes, more than the ${length} of the file in HyDFS`;
  });
  findings.expect('copy', !exported || size >= length, () => {
    return `${path} ends after ${size} of ${length} bytes`;
  });
  if (!exported) findings.note('copy', `${size} of ${length} bytes have been copied`);
  const end = Math.min(size, length);
  let at = 0;
  if (end > 0) {
    for await (const piece of fs.read(name, { from: 0, to: end })) {
      const found = Buffer.alloc(piece.length);
      await handle.read(found, 0, found.length, at);
      const same = findings.expect('copy', found.equals(piece), () => {
        return `${path} differs from the file in HyDFS at byte ${at + firstDifference(found, piece)}`;
      });
      if (!same) break;
      at += piece.length;
    }
  }
  findings.examined('copy', 'bytes', at);
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i;
}
