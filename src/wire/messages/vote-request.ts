import { z } from 'zod';
import { defineMessage, type MessageOf } from '../definition.ts';
import { name, u53 } from '../fields.ts';

/**
 * A voter asks another to make it leader of `term`, or, first, whether it would be.
 *
 * ```cddl
 * vote-request = {
 *   0: 50,
 *   1: name,  ; from; voter id
 *   2: name,  ; to
 *   3: u53,   ; term; of the leader to be
 *   4: bool,  ; pre; only asks, nobody's term changes
 *   5: bool,  ; transfer; the present leader wants it
 *   6: u53,   ; lastIndex; of the asker's log
 *   7: u53,   ; lastTerm
 * }
 * ```
 */
export const voteRequest = defineMessage(50, 'vote-request', {
  from: name,
  to: name,
  term: u53,
  pre: z.boolean(),
  transfer: z.boolean(),
  lastIndex: u53,
  lastTerm: u53,
});

export type VoteRequest = MessageOf<typeof voteRequest>;
