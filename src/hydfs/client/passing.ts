/**
 * Which faults of a file's primary are worth another try: it moved, it is not ready, it is gone, or
 * it is ill and about to be replaced. Everything else is the file's own answer and final.
 */
import { type FaultCode, fault, isFault } from '../../core/index.ts';

const passing: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'NOT_PRIMARY',
  'REPLICA_NOT_READY',
  'PEER_UNREACHABLE',
  'PEER_LOST',
  'PEER_SILENT',
  'PEER_SLOW',
  'PEER_CLOSED',
  'PEER_FOREIGN',
  'REQUESTS_TOO_MANY',
  // an address may belong to a node that has just begun, or that is older
  'REQUEST_UNKNOWN',
  // a copy that failed is taken out of the configuration
  'LOG_CLOSED',
  'LOG_CORRUPT',
  'DISK_FULL',
  'DISK_FAILED',
]);

export function isPassing(error: unknown): boolean {
  return isFault(error) && passing.has(error.code);
}

export function notReady(name: string, reason: string): Error {
  return fault('REPLICA_NOT_READY', { name, reason });
}
