/**
 * verify: reads a job's logs again and proves or refutes what they promise.
 */
export { type Verdict, verifyJob } from './verify-job.ts';
