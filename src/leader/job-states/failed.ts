import { ended } from './ended.ts';

/** Ended by a fault; the reason is kept with the job. */
export const failed = ended;
