/**
 * node: one machine's share of everything, and what can be asked of it.
 *
 *   const node = await Node.open({ data: '.rainstorm' });
 *   const { job } = await node.service.submit({ spec, overwrite: false });
 *   for await (const view of node.service.watch(job)) show(view);
 *   await node.close();
 *
 * `reachService` gives the same `Service` to another process: over the owner's socket when the data
 * directory is in use, and from a node opened for the purpose when it is not.
 */
export { type DataDir, dataDir } from './data-dir.ts';
export { Exporter } from './export.ts';
export { LocalService } from './local-service.ts';
export { APPEND_BYTES_MAX } from './methods.ts';
export { Node, type NodeOptions } from './node.ts';
export { reachService } from './reach.ts';
export type { ResumePoint, Service, SubmitRequest, Submitted } from './service.ts';
