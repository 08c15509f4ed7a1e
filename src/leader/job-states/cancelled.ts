import { ended } from './ended.ts';

/** Ended on request as it was; what the destination holds is valid and incomplete. */
export const cancelled = ended;
