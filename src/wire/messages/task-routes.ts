import { defineMessage, type MessageOf } from '../definition.ts';
import { name, routes, u16, u53 } from '../fields.ts';

/**
 * Where the tasks of a stage are now.
 *
 * ```cddl
 * task-routes = {
 *   0: 41,
 *   1: u53,     ; term
 *   2: name,    ; job
 *   3: u16,     ; stage
 *   4: routes,  ; routes
 * }
 * ```
 */
export const taskRoutes = defineMessage(41, 'task-routes', {
  term: u53,
  job: name,
  stage: u16,
  routes,
});

export type TaskRoutes = MessageOf<typeof taskRoutes>;
