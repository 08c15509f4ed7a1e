import { defineMessage, type MessageOf } from '../definition.ts';
import { anything, name, u32, u53 } from '../fields.ts';

/**
 * Asks the peer to run a method. Ids are chosen by the asker and never used twice.
 *
 * ```cddl
 * request = {
 *   0: 8,
 *   1: u53,    ; id
 *   2: name,   ; method
 *   3: plain,  ; params
 *   4: u32,    ; credit; 0: one answer; n: a stream, of which n items may be sent
 * }
 * ```
 */
export const request = defineMessage(8, 'request', {
  id: u53,
  method: name,
  params: anything,
  credit: u32,
});

export type Request = MessageOf<typeof request>;
