/**
 * operator: user code in subprocesses, spoken to in batches of lines.
 */
export { OperatorPool } from './pool.ts';
export type {
  BatchAnswer,
  DeadInput,
  InputBatch,
  OperatorCommand,
  OperatorEvent,
  OperatorPoolOptions,
  TaskLogSink,
} from './types.ts';
