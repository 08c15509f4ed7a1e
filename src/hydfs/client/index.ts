/**
 * client: the files of the cluster, from any of its nodes.
 *
 *   const files = new ClusterFiles({
 *     placement, store, local: replicas.files(), connect: (address) => peers.client(address),
 *     clock: systemClock, random: systemRandom, log,
 *   });
 *   serveRpc(connection, fileMethods({ files: replicas.files(), placement }));
 *   const writer = await files.openWriter('counts.txt', 'signs/count[0]', 7, { create: true });
 *   await writer.append({ seq: writer.position.seq + 1, parts: [Buffer.from('Streetname: 41\n')] });
 */
export { ClusterFiles, type FileReplicas } from './cluster-files.ts';
export { fileMethods } from './file-methods.ts';
export { bulkBytes, bulkItems } from './gather.ts';
export type { LocalAccessOptions } from './local-access.ts';
export { type ClientLimits, type ClusterFilesOptions, defaultClientLimits } from './options.ts';
