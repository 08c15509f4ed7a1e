import { z } from 'zod';
import { defineMessage, type MessageOf } from '../definition.ts';
import { bytes, name, u53 } from '../fields.ts';

/**
 * Entries of the control log from its leader; without entries, a sign of life.
 *
 * ```cddl
 * log-append = {
 *   0: 52,
 *   1: name,      ; from
 *   2: name,      ; to
 *   3: u53,       ; term
 *   4: u53,       ; prevIndex; the entry before the first one; 0 before all
 *   5: u53,       ; prevTerm
 *   6: u53,       ; commit; entries up to it are decided
 *   7: u53,       ; round; answered with the same number
 *   8: [* [term: u53, type: 0..2, data: bstr]],  ; entries; 0 empty, 1 command, 2 members
 * }
 * ```
 */
export const logAppend = defineMessage(52, 'log-append', {
  from: name,
  to: name,
  term: u53,
  prevIndex: u53,
  prevTerm: u53,
  commit: u53,
  round: u53,
  entries: z.array(z.tuple([u53, z.int().min(0).max(2), bytes])),
});

export type LogAppend = MessageOf<typeof logAppend>;
