import { defineMessage, type MessageOf } from '../definition.ts';
import { u53, wireFault } from '../fields.ts';

/**
 * A request, or its stream, ended with a fault.
 *
 * ```cddl
 * failure = {
 *   0: 10,
 *   1: u53,    ; id
 *   2: fault,  ; fault
 * }
 * ```
 */
export const failure = defineMessage(10, 'failure', {
  id: u53,
  fault: wireFault,
});

export type Failure = MessageOf<typeof failure>;
