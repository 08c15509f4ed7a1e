import type { Clock, Fault, Logger, Random } from '../core/index.ts';

/** How to start one operator; a plain value that can be sent to another node. */
export interface OperatorCommand {
  /** Program and arguments, absolute where it matters; never passes through a shell. */
  readonly argv: readonly string[];
  readonly protocol: 'lines';
  readonly kind: 'python' | 'exec';
  /** True when the shim is in `argv` and reports on descriptor 3. */
  readonly shim: boolean;
  /** What sentences call it; by default the last part of the script's path. */
  readonly name?: string;
  /** The working directory; '' stands for a fresh private one per process. */
  readonly cwd: string;
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>;
}

/** Some inputs as operator text: `count` times `key: K\nvalue: V\n`. */
export interface InputBatch {
  readonly text: Uint8Array;
  readonly count: number;
}

/** An input that its operator could not answer. */
export interface DeadInput {
  /** Which input of its batch, from 0. */
  readonly index: number;
  /** What happened, in words: 'exited with 1', 'was killed by SIGSEGV', 'gave no answer for 30 s'. */
  readonly reason: string;
  /** What the process wrote to stderr while it had this input alone; may be empty. */
  readonly trace: string;
}

/** The answers of one batch. */
export interface BatchAnswer {
  /** Answers of exactly `count` inputs; a dead input is represented by `filter\n`. */
  readonly answers: Uint8Array;
  readonly dead: readonly DeadInput[];
}

/** Where an operator's stderr goes besides the tail kept in memory. */
export interface TaskLogSink {
  write(bytes: Uint8Array): void;
}

/** What happens to the processes of a pool, for listings and logs. */
export type OperatorEvent =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'exited'; readonly pid: number; readonly how: string }
  | { readonly kind: 'restarting'; readonly restarts: number; readonly why: string }
  | { readonly kind: 'dead-input'; readonly reason: string; readonly trace: string }
  | { readonly kind: 'failed'; readonly fault: Fault };

export interface OperatorPoolOptions {
  readonly command: OperatorCommand;
  /** How many processes; more than one only without `rebuild`. Default 1. */
  readonly processes?: number;
  /** Longest time without a new complete answer while inputs wait. Default 60 s. */
  readonly deadlineMs?: number;
  /** Longest time from start to the first read, where it can be told. Default 120 s. */
  readonly startDeadlineMs?: number;
  /** Bytes of unanswered input that one process is given. Default 1 MiB. */
  readonly maxInFlightBytes?: number;
  /** A file path, or a sink. Without it stderr is only kept as the tail in memory. */
  readonly log?: string | TaskLogSink;
  /** File that lists live process groups, for `reapOrphans`. */
  readonly groupsFile?: string;
  /** Makes the operator stateful: every input delivered so far (without the dead), in order. */
  readonly rebuild?: () => AsyncIterable<InputBatch>;
  /** How often an input may crash its operator before it is answered as dead. Default 3. */
  readonly crashLimit?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onEvent?: (event: OperatorEvent) => void;
}
