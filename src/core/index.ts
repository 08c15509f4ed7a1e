/**
 * core: what every other folder stands on and what knows none of them.
 *
 *   const clock = systemClock;
 *   const log = fileLog('/var/lib/rainstorm/node.log').child({ task: 'signs/pick[0]' });
 *   throw fault('DISK_FULL', { path: '/data' });
 *
 * Real time, randomness and the process environment are touched here and nowhere else.
 */
export { orAborted } from './aborted.ts';
export { ahead } from './ahead.ts';
export { AssertionFailure, assert, present, unreachable } from './assert.ts';
export { BatchedWriter, type WrittenFile } from './batched-writer.ts';
export { unsetBytes } from './bytes.ts';
export { type Clock, sleep, systemClock, type Timer } from './clock.ts';
export { crc32, crc32After, crc32Of } from './crc32.ts';
export { cutTo } from './cut.ts';
export { embedded } from './embedded.ts';
export {
  Fault,
  type FaultCode,
  type FaultParameters,
  fault,
  isFault,
  reasonOf,
} from './errors.ts';
export { failpoint, failpointDuring, failpointsArmed } from './failpoint.ts';
export { type FaultDomain, faultTable } from './fault-table.ts';
export {
  type FileLogOptions,
  fileLog,
  type LogFields,
  type Logger,
  plainLog,
  severalLogs,
  silentLog,
} from './log.ts';
export { bytesIn, inOnePiece, PieceReader } from './pieces.ts';
export { LoadMeter, type ProcessLoad } from './process-load.ts';
export { between, type Random, randomId, seededRandom, systemRandom, unit } from './random.ts';
export {
  type RequestDone,
  type RequestLog,
  RequestLogFile,
  type RequestLogOptions,
  silentRequests,
} from './request-log.ts';
export { tuneGarbageCollector } from './runtime.ts';
export { SpareBytes, spareBytes } from './spare-bytes.ts';
