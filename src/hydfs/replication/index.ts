/**
 * replication: the files of a ring point at all its replicas.
 *
 *   const replicas = new Replicas({
 *     files, store, placement, connect: (address) => peers.client(address),
 *     clock: systemClock, random: systemRandom, log,
 *   });
 *   serveRpc(connection, { ...replicas.methods() });
 *   await replicas.files().append('counts.txt', Buffer.from('Streetname: 41\n'));
 */
export type { PointConfig } from '../../control/index.ts';
export {
  defaultReplicaLimits,
  type ReplicaLimits,
  type ReplicaPeer,
  type ReplicaPlacement,
  type ReplicasOptions,
} from './options.ts';
export type {
  CopyRange,
  MergeOutcome,
  PointListing,
  PrimaryFiles,
  PrimaryInfo,
} from './primary-files.ts';
export { Replicas } from './replicas.ts';
export type {
  FileExtent,
  ReplicaGate,
  StoredDraft,
  StoredFile,
  StoredFiles,
  WriterAppend,
} from './stored-files.ts';
