/**
 * worker: tasks, and the channels between them.
 *
 *   const worker = new Worker({ fs, kernels, transport, clock, random, log, ... });
 *   await transport.listen(address, (connection) => dispatch(connection, [worker.receiverFor(connection)]));
 *   // the leader orders over such a connection: task-start, task-routes, task-stop
 *   await worker.close();
 *
 * Exactly-once lives here, in three numbers per channel: what the producer has numbered, what the
 * consumer has made durable (its watermark), and the epoch of each attempt. `stage-task.ts` is the
 * loop, `commit-*.ts` the three ways to make a batch durable, `channel-*.ts` the protocol.
 */

export type { SinkMeta } from './commit-sink.ts';
export type { TaskCounts } from './counts.ts';
export { destinationFileName, locate } from './locations.ts';
export type { RecordState } from './recovered-task.ts';
export { recordState } from './recovered-task.ts';
export type { SourceState } from './source-task.ts';
export type { TaskServices, TaskState } from './task-context.ts';
export { Worker, type WorkerOptions } from './worker.ts';
