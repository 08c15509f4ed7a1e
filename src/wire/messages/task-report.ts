import { z } from 'zod';
import { defineMessage, type MessageOf } from '../definition.ts';
import { epoch, name, sentence, u16, u32, u53, wireFault } from '../fields.ts';

/**
 * What a node says about an attempt it runs.
 *
 * ```cddl
 * task-report = {
 *   0: 43,
 *   1: name,               ; job
 *   2: u16,                ; stage
 *   3: u16,                ; index
 *   4: epoch,              ; epoch
 *   5: name,               ; state
 *   6: fault / null,       ; fault
 *   7: { * tstr => u53 },  ; counts
 *   8: [* u32],            ; pids; of its operators
 *   9: tstr,               ; operator
 *   10: tstr,              ; logFile
 *   11: number,            ; rate; tuples a second
 * }
 * ```
 */
export const taskReport = defineMessage(43, 'task-report', {
  job: name,
  stage: u16,
  index: u16,
  epoch,
  state: name,
  fault: wireFault.nullable(),
  counts: z.record(z.string(), u53),
  pids: z.array(u32),
  operator: sentence,
  logFile: sentence,
  rate: z.number(),
});

export type TaskReport = MessageOf<typeof taskReport>;
