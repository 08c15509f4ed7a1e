/**
 * operator: user code in subprocesses, spoken to in batches of lines.
 *
 *   const bundled = bundledOperators(privateDirectory);
 *   const command = await resolveOperator({ run: 'filter.py', args: ['Street'], baseDirs, bundled, hostEnv });
 *   const pool = new OperatorPool({ command, processes: 2, deadlineMs: 30_000, clock, random, logger });
 *   await pool.start();
 *   const { answers, dead } = await pool.submit({ text, count });
 *   await pool.end();
 *
 * A task submits batches without waiting for the answers of earlier ones (`room()` says when there
 * is room); what a user's script does wrong arrives as a fault in plain words or as a dead input.
 * The line protocol is described in `operators/README.md`.
 */
export {
  type BundledOperators,
  bundledOperators,
  operatorsIn,
  writtenOperators,
} from './bundled.ts';
export { type CheckReport, checkOperator, type SampleTuple } from './check.ts';
export { type HostEnvironment, operatorEnvironment } from './environment.ts';
export { reapOrphans, signalGroup } from './groups.ts';
export { OperatorPool } from './pool.ts';
export { findPython, type Python } from './python.ts';
export { PythonEnvironments, type Requirements } from './requirements.ts';
export { operatorName, type ResolveOptions, resolveOperator } from './resolve.ts';
export { TaskLog } from './task-log.ts';
export type {
  BatchAnswer,
  DeadInput,
  InputBatch,
  OperatorCommand,
  OperatorEvent,
  OperatorPoolOptions,
  TaskLogSink,
} from './types.ts';
