import { type Fault, fault, isFault, reasonOf } from '../core/index.ts';
import { errorCode } from './disk.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The fault for what a disk threw while `doing` something to `path`; a fault stays as it is. */
export function diskFault(error: unknown, doing: string, path: string): Fault {
  if (isFault(error)) return error;
  if (FULL.has(errorCode(error))) return fault('DISK_FULL', { path }, error);
  return fault('DISK_FAILED', { doing, path, reason: reasonOf(error) }, error);
}
