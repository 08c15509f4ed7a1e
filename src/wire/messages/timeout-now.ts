import { defineMessage, type MessageOf } from '../definition.ts';
import { name, u53 } from '../fields.ts';

/**
 * The leader hands over: the receiver is to stand for election at once.
 *
 * ```cddl
 * timeout-now = {
 *   0: 56,
 *   1: name,  ; from
 *   2: name,  ; to
 *   3: u53,   ; term
 * }
 * ```
 */
export const timeoutNow = defineMessage(56, 'timeout-now', { from: name, to: name, term: u53 });

export type TimeoutNow = MessageOf<typeof timeoutNow>;
