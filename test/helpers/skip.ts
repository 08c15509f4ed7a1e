import test, { type ExecutionContext } from 'ava';

/**
 * Declares a test that runs only where `missing` is null. Elsewhere the test passes after printing
 * why it could not run: a skip is never silent, and there is no other way to skip.
 *
 *   testUnless(findGcc() === null ? 'gcc is not installed' : null, 'a compiled operator works', ...)
 */
export function testUnless(
  missing: string | null,
  title: string,
  body: (t: ExecutionContext) => void | Promise<void>,
): void {
  test(title, async (t) => {
    if (missing === null) return body(t);
    t.log(`skipped: ${missing}`);
    t.pass();
  });
}
