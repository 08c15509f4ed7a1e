/**
 * hydfs: files that only grow, with appends that take effect once.
 *
 * Each append carries (writer, epoch, number). That one primitive gives an order per client, the
 * write-ahead log of a task and a sink that can be retried. `FileSystem` is the face; a
 * `LocalFileSystem` keeps the files of one node; the rules themselves are `fileCore`.
 *
 *   const files = await LocalFileSystem.open({
 *     disk: nodeDisk, root: '/var/lib/rainstorm/hydfs', clock: systemClock, log: silentLog,
 *   });
 *   const writer = await files.openWriter('counts.txt', 'signs/count[0]', 7, { create: true });
 *   await writer.append({ seq: writer.position.seq + 1, parts: [Buffer.from('Streetname: 41\n')] });
 *   for await (const bytes of files.read('counts.txt')) process.stdout.write(bytes);
 *   await files.close();
 */

export {
  bulkBytes,
  bulkItems,
  type ClientLimits,
  ClusterFiles,
  type ClusterFilesOptions,
  defaultClientLimits,
  type FileReplicas,
  fileMethods,
} from './client/index.ts';
export { ControlPlacement, type ControlPlacementOptions } from './control-placement.ts';
export { checkName, type FilePlace, placeOf } from './file-name.ts';
export {
  ANONYMOUS,
  type AppendRequest,
  emptyFile,
  type FileCore,
  type FileRequest,
  type FileState,
  fileCore,
  type Outcome,
  type WriterState,
} from './file-state.ts';
export type {
  FileEntry,
  FileInfo,
  FileSystem,
  FileWriter,
  ReadRange,
  WriterEntry,
  WriterPosition,
} from './file-system.ts';
export { LocalFileSystem, type LocalFileSystemOptions } from './local-file-system.ts';
export {
  defaultReplicaLimits,
  type MergeOutcome,
  type ReplicaLimits,
  Replicas,
  type ReplicasOptions,
} from './replication/index.ts';
export { openStoreId } from './store-id.ts';
