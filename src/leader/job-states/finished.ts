import { ended } from './ended.ts';

/** Every source was read to its end and every effect is in the destination. */
export const finished = ended;
