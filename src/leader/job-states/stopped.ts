import { ended } from './ended.ts';

/** Drained on request: every tuple that was read has its effect in the destination. */
export const stopped = ended;
