import { type Fault, fault } from '../../core/index.ts';

/** REPLICA_NOT_READY: worth another try. */
export function notReady(name: string, reason: string): Fault {
  return fault('REPLICA_NOT_READY', { name, reason });
}
