/** What jobs must give, said again in the simplest way: whole files in memory, no blocks. */

/** A file of a job and its bytes; the name is the beginning of each key. */
export interface SourceFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The values of the lines of `bytes`: split at LF, one CR before it dropped. */
export function valuesOf(bytes: Buffer): Buffer[] {
  const values: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(10, at);
    const end = newline < 0 ? bytes.length : newline;
    const ending = newline >= 0 && end > at && bytes[end - 1] === 13 ? 1 : 0;
    values.push(bytes.subarray(at, end - ending));
    at = end + 1;
  }
  return values;
}

/** The lines `key: value` of a job that changes nothing, sorted, one latin1 character per byte. */
export function copiedLines(sources: readonly SourceFile[]): string[] {
  return sources
    .flatMap(({ name, bytes }) =>
      valuesOf(bytes).map((value, line) => {
        return Buffer.concat([Buffer.from(`${name}:${line}: `), value]).toString('latin1');
      }),
    )
    .sort();
}

/** The lines of a destination in the same form. */
export function sortedLines(output: Buffer): string[] {
  return valuesOfOutput(output).sort();
}

/** The lines of a destination, in their order: split at LF and nothing else. */
export function valuesOfOutput(output: Buffer): string[] {
  const text = output.toString('latin1');
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}
