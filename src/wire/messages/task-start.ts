import { defineMessage, type MessageOf } from '../definition.ts';
import { anything, bytes, epoch, name, routes, u16, u32, u53 } from '../fields.ts';

/**
 * The leader starts an attempt of a task on this node.
 *
 * ```cddl
 * task-start = {
 *   0: 40,
 *   1: u53,          ; term
 *   2: name,         ; job
 *   3: u16,          ; stage
 *   4: u16,          ; index
 *   5: epoch,        ; epoch
 *   6: plain,        ; spec; the job, as validated by the leader
 *   7: routes,       ; routes; of its consumers
 *   8: bstr / null,  ; slots; slot -> task table of the next stage
 *   9: u32,          ; slotsVersion
 * }
 * ```
 */
export const taskStart = defineMessage(40, 'task-start', {
  term: u53,
  job: name,
  stage: u16,
  index: u16,
  epoch,
  spec: anything,
  routes,
  slots: bytes.nullable(),
  slotsVersion: u32,
});

export type TaskStart = MessageOf<typeof taskStart>;
