/**
 * storage: logs on a disk that may fail.
 *
 * A `SegmentedLog` keeps entries in order in a directory of segments, commits waiting appends in
 * groups, cuts torn tails, tells them from damage, and opens by reading one segment. `Disk` is all
 * it knows of the machine; `lockDataDir` keeps a second process out of a data directory. The bytes
 * on disk are described in README.md beside this file.
 *
 *   const lock = await lockDataDir('/var/lib/rainstorm', { socket: '/run/rainstorm.sock' });
 *   let sum = 0;
 *   const log = await SegmentedLog.open({
 *     disk: nodeDisk, dir: '/var/lib/rainstorm/sums', sync: 'group', log: silentLog,
 *     header: () => Buffer.from(String(sum)),
 *   });
 *   sum = Number(log.header ?? 0);
 *   for await (const { payload } of log.replay()) sum += payload[0];
 *   const { durable } = log.append([Uint8Array.of(5)]);
 *   sum += 5;
 *   await durable;
 */
export type { SyncMode } from './committer.ts';
export { type Disk, type DiskFile, errorCode, type OpenMode } from './disk.ts';
export { diskFault } from './disk-fault.ts';
export { ENTRY_HEADER_BYTES, ENTRY_PAYLOAD_MAX, type Payload, payloadOf } from './entry.ts';
export { type DataDirLock, type LockInfo, type LockOwner, lockDataDir, readLock } from './lock.ts';
export { nodeDisk } from './node-disk.ts';
export { peekHeader } from './recover.ts';
export {
  BATCH_BYTES_MAX,
  type LogEntry,
  type LogOptions,
  type Placed,
  SEGMENT_BYTES,
  SegmentedLog,
} from './segmented-log.ts';
