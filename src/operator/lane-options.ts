import type { Clock, Fault, FaultCode, FaultParameters } from '../core/index.ts';
import type { GroupsFile } from './groups.ts';
import type { InputBatch, OperatorCommand, OperatorEvent, TaskLogSink } from './types.ts';

/** What a lane needs to know and whom it tells. */
export interface LaneOptions {
  readonly command: OperatorCommand;
  readonly clock: Clock;
  readonly groups: GroupsFile;
  readonly log: TaskLogSink | null;
  readonly deadlineMs: number;
  readonly startDeadlineMs: number;
  readonly maxInFlightBytes: number;
  readonly crashLimit: number;
  readonly rebuild: (() => AsyncIterable<InputBatch>) | null;
  /** A batch has all its answers. */
  readonly onAnswered: () => void;
  readonly onFailed: (error: Fault) => void;
  readonly onEvent: (event: OperatorEvent) => void;
}

/** The faults that a lane ends its pool with. */
export type LaneFault = Extract<
  FaultCode,
  | 'OPERATOR_START_FAILED'
  | 'OPERATOR_PROTOCOL'
  | 'OPERATOR_TOO_MANY_ANSWERS'
  | 'OPERATOR_CLOSED_STDOUT'
  | 'OPERATOR_STOPPED_EARLY'
  | 'OPERATOR_CRASHES_ALWAYS'
  | 'OPERATOR_BUFFERS_OUTPUT'
  | 'OPERATOR_REBUILD_FAILED'
>;

/** What their sentences need besides the operator's name and last words. */
export type LaneParameters<C extends LaneFault> = Omit<FaultParameters<C>, 'operator' | 'trace'>;
