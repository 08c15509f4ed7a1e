/**
 * What is looked at of each file: everything up to the length it had at one moment.
 *
 * Lengths are taken against the flow of tuples: dead letters and destination first, then the logs
 * from the last stage to the sources. So at a job that is at work a consumer is never seen further
 * than its producer.
 */
import { isFault, reasonOf } from '../core/index.ts';
import type { FileEntry, FileSystem } from '../hydfs/index.ts';
import type { Findings } from './findings.ts';

/** One file as far as it is looked at. */
export interface CutFile {
  readonly name: string;
  readonly length: number;
  readonly trimmedTo: number;
}

/** The file `name` as it is now; null when there is none. */
export async function cutFile(fs: FileSystem, name: string): Promise<CutFile | null> {
  try {
    const { length, trimmedTo } = await fs.stat(name);
    return { name, length, trimmedTo };
  } catch (error) {
    if (isFault(error, 'FILE_MISSING')) return null;
    throw error;
  }
}

/** Codes of faults that say that stored bytes are not what was written. */
const DAMAGE = ['LOG_CORRUPT', 'RECORD_INVALID', 'BLOCK_INVALID', 'WIRE_INVALID'] as const;

/** Hands the entries of `file` to `take`; damage refutes `intact` and ends the reading. */
export async function eachEntry(
  fs: FileSystem,
  file: CutFile,
  findings: Findings,
  take: (entry: FileEntry) => void,
): Promise<void> {
  findings.examined('intact', 'logs');
  if (file.trimmedTo > 0) {
    findings.note('intact', `the first ${file.trimmedTo} bytes of ${file.name} were trimmed`);
  }
  let at = file.name;
  try {
    for await (const entry of fs.entries(file.name, { fromOffset: file.trimmedTo })) {
      if (entry.offset + entry.data.length > file.length) return;
      at = `${file.name}, entry ${entry.index}`;
      take(entry);
    }
  } catch (error) {
    const damaged = DAMAGE.some((code) => isFault(error, code));
    if (!damaged) throw error;
    findings.expect('intact', false, () => `${at}: ${reasonOf(error)}`);
  }
}
