import { fault } from '../core/index.ts';
import type { BatchAnswer, InputBatch, OperatorPoolOptions } from './types.ts';

/** The processes of one task's operator. */
export class OperatorPool {
  readonly #options: OperatorPoolOptions;

  constructor(options: OperatorPoolOptions) {
    this.#options = options;
  }

  /** Starts (and for a stateful operator rebuilds) every process. */
  async start(): Promise<void> {}

  /** Queues a batch; promises settle in the order of `submit`. */
  async submit(_batch: InputBatch): Promise<BatchAnswer> {
    throw fault('OPERATOR_CLOSED', { operator: this.#options.command.argv[0] });
  }

  /** Process ids of the live processes. */
  pids(): number[] {
    return [];
  }

  /** How many processes were started again after a death. */
  get restarts(): number {
    return 0;
  }

  /** Waits for the answers in flight, closes stdin and waits for the exit (bounded). */
  async end(): Promise<void> {}

  /** Kills every process group and waits until they are gone. */
  async kill(): Promise<void> {}
}
