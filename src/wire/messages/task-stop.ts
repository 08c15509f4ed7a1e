import { z } from 'zod';
import { defineMessage, type MessageOf } from '../definition.ts';
import { epoch, name, u16, u53 } from '../fields.ts';

/**
 * The leader ends an attempt.
 *
 * ```cddl
 * task-stop = {
 *   0: 42,
 *   1: u53,                      ; term
 *   2: name,                     ; job
 *   3: u16,                      ; stage
 *   4: u16,                      ; index
 *   5: epoch,                    ; epoch
 *   6: "now" / "pause" / "end",  ; mode
 * }
 * ```
 */
export const taskStop = defineMessage(42, 'task-stop', {
  term: u53,
  job: name,
  stage: u16,
  index: u16,
  epoch,
  mode: z.enum(['now', 'pause', 'end']),
});

export type TaskStop = MessageOf<typeof taskStop>;
