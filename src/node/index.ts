/**
 * node: one machine's share of everything, and what can be asked of it.
 *
 *   const node = await Node.open({ data: '.rainstorm' });
 *   const { job } = await node.service.submit({ spec, overwrite: false });
 *   for await (const view of node.service.watch(job)) show(view);
 *   await node.close();
 *
 * `ClusterNode` is one of several that find each other and agree; `reachCluster` asks one.
 * `reachService` gives the same `Service` to another process: over the owner's socket when the data
 * directory is in use, and from a node opened for the purpose when it is not.
 */
export { ClusterNode, type ClusterNodeOptions } from './cluster-node.ts';
export type { ClusterService, ControlRow, MemberRow } from './cluster-service.ts';
export type {
  CopyService,
  FilePlaces,
  LocalSource,
  Merged,
  MultiAppended,
  NodePlace,
  StoredCopies,
  StoredCopy,
} from './copy-service.ts';
export { type DataDir, dataDir } from './data-dir.ts';
export { Exporter } from './export.ts';
export { jobLogName } from './job-log.ts';
export { storePackage, unstorePackage } from './job-package.ts';
export { LocalService } from './local-service.ts';
export type { FoundLines } from './log-search.ts';
export { APPEND_BYTES_MAX, APPENDS_AHEAD } from './methods.ts';
export { Node, type NodeOptions } from './node.ts';
export type { LogFile, LogId } from './node-tasks.ts';
export { collectPackage } from './package-files.ts';
export type { PointHealth, PointsRow, StoreRow } from './points-row.ts';
export {
  type NodeAddresses,
  ownerOf,
  type ReachedNode,
  reachCluster,
  reachNode,
  reachService,
} from './reach.ts';
export type { ResumePoint, Service, SubmitRequest, Submitted } from './service.ts';
