import { producersOf, stageOf } from '../plan/index.ts';
import type { TaskContext } from './task-context.ts';

type Whose = Pick<TaskContext, 'plan' | 'attempt'>;

/** Index of the task (stage, index) among the producers of a task, or -1. */
export function producerIndex({ plan, attempt }: Whose, stage: number, index: number): number {
  let base = 0;
  for (const from of producersOf(plan, attempt.stage)) {
    const { tasks } = stageOf(plan, from);
    if (from === stage) return index < tasks ? base + index : -1;
    base += tasks;
  }
  return -1;
}

/** How many producers a task has. */
export function producerCount({ plan, attempt }: Whose): number {
  let sum = 0;
  for (const from of producersOf(plan, attempt.stage)) sum += stageOf(plan, from).tasks;
  return sum;
}
