import { type Fault, fault } from '../core/index.ts';

/** The fault of a message that breaks the grammar or a limit. */
export function invalid(problem: string, cause?: unknown): Fault {
  return fault('WIRE_INVALID', { problem }, cause);
}
