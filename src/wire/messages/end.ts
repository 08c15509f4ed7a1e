import { defineMessage, type MessageOf } from '../definition.ts';
import { epoch, u32, u53 } from '../fields.ts';

/**
 * There is no tuple after `lastSeq`.
 *
 * ```cddl
 * end = {
 *   0: 25,
 *   1: u32,    ; channel
 *   2: epoch,  ; fromEpoch
 *   3: epoch,  ; toEpoch
 *   4: u53,    ; lastSeq
 * }
 * ```
 */
export const end = defineMessage(25, 'end', {
  channel: u32,
  fromEpoch: epoch,
  toEpoch: epoch,
  lastSeq: u53,
});

export type End = MessageOf<typeof end>;
