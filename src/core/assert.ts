/** Thrown when the program's own reasoning is wrong: a bug, never bad input. Kept on in production. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/**
 * Stops on a broken invariant.
 * @throws AssertionFailure when `condition` is false
 */
export function assert(condition: unknown, claim: string): asserts condition {
  if (!condition) throw new AssertionFailure(claim);
}

/** Marks a place that the type system proves unreachable. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable value: ${JSON.stringify(value)}`);
}

/** `value`, known by an invariant to be present. `claim` names that invariant. */
export function present<T>(value: T | null | undefined, claim: string): T {
  assert(value !== null && value !== undefined, claim);
  return value;
}
