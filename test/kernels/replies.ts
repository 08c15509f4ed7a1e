/** Operator answers as plain objects, and as text. */
import fc from 'fast-check';
import { lineBytes } from './tuples.ts';

export interface Output {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** What an operator answers to one input: `emits`, then a last output or none. */
export interface Reply {
  readonly emits: readonly Output[];
  readonly last: Output | null;
}

const output: fc.Arbitrary<Output> = fc.record({ key: lineBytes(12), value: lineBytes(30) });

export const reply: fc.Arbitrary<Reply> = fc.record({
  emits: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(output, { maxLength: 3 }) },
  ),
  last: fc.option(output),
});

/** The outputs of a reply with the fan-out step of each, null where there is none. */
export function outputsOf({ emits, last }: Reply): (Output & { readonly step: number | null })[] {
  const all = last === null ? emits : [...emits, last];
  return all.map((o, k) => ({ ...o, step: emits.length === 0 ? null : k }));
}

export function answerText({ emits, last }: Reply): Buffer {
  const end = last === null ? [Buffer.from('filter\n')] : pair('forward', last);
  return Buffer.concat([...emits.flatMap((o) => pair('emit', o)), ...end]);
}

function pair(verb: string, { key, value }: Output): Buffer[] {
  const [lf, keyMark, valueMark] = [
    Buffer.from('\n'),
    Buffer.from('key: '),
    Buffer.from('value: '),
  ];
  return [Buffer.from(`${verb}\n`), keyMark, key, lf, valueMark, value, lf];
}
