/**
 * verify: reads a job's logs again and proves or refutes what they promise.
 *
 *   const verdict = await verifyJob({ record: control.state.jobs.get(job), fs });
 *   if (!verdict.proved) console.error(verdict.summary);
 *
 * The rules are stated over the entries of files, apart from the code that wrote them: numbers and
 * epochs of writers (`writers.ts`), what a task consumed, placed and counted (`task-rules.ts`), both
 * ends of each channel (`channels.ts`), the destination (`destination.ts`), dead letters
 * (`letters.ts`), the sources read once more (`source-log.ts`, `source-lines.ts`), the local copy.
 * They work for a job in any state: of one that is not complete, what it did so far is looked at.
 *
 * What it cannot see: the bytes of tuples in logs that were trimmed (a checkpoint still says how far
 * they went), and whether an operator computed what its author meant.
 */
export { type Check, type CheckId, checkIds, claims, type Verdict } from './verdict.ts';
export { type VerifyOptions, verifyJob } from './verify-job.ts';
