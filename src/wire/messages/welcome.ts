import { defineMessage, type MessageOf } from '../definition.ts';
import { name, u16, u53 } from '../fields.ts';

/**
 * The answer to a hello: the version both speak from here on.
 *
 * ```cddl
 * welcome = {
 *   0: 2,
 *   1: u16,   ; version
 *   2: name,  ; node
 *   3: u53,   ; term
 * }
 * ```
 */
export const welcome = defineMessage(2, 'welcome', {
  version: u16,
  node: name,
  term: u53,
});

export type Welcome = MessageOf<typeof welcome>;
