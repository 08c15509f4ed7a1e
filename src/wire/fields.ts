/**
 * The types of message fields, each with its name in the grammar.
 *
 * ```cddl
 * max-u53 = 9007199254740991           ; exact in a double
 * max-u32 = 4294967295
 * u53 = 0..max-u53
 * u32 = 0..max-u32
 * u16 = uint .size 2
 * epoch = u53                          ; attempts of a task, from 1; 0 where there is none
 * name = tstr .size (1..255)
 * address = tstr .size (1..255)        ; "host:port" or "unix:/path"
 * sentence = tstr .size (0..16384)     ; for people
 * plain = null / bool / number / tstr / bstr / [* plain] / { * tstr => plain }
 * routes = [* [index: u16, address]]   ; tasks of a stage and the nodes they run on
 * fault = { "code": name, "message": sentence, "parameters": { * tstr => tstr / number } }
 * ```
 */
import { z } from 'zod';

/** Sentences may quote a traceback or an operator's line. */
export const SENTENCE_BYTES_MAX = 16_384;
const NAME_BYTES_MAX = 255;

export const u53 = z.int().min(0);
export const u32 = z.int().min(0).max(0xffff_ffff);
export const u16 = z.int().min(0).max(0xffff);
export const epoch = u53;
export const name = text(1, NAME_BYTES_MAX);
export const address = text(1, NAME_BYTES_MAX);
export const sentence = text(0, SENTENCE_BYTES_MAX);
export const anything = z.unknown();
export const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected bytes');
export const pieces = z.custom<readonly Uint8Array[]>(
  (value) => Array.isArray(value) && value.every((each) => each instanceof Uint8Array),
  'expected bytes',
);
export const routes = z.array(z.tuple([u16, address]));
export const wireFault = z.strictObject({
  code: name,
  message: sentence,
  parameters: z.record(z.string(), z.union([z.string(), z.number()])),
});

/** A fault as it travels. */
export type WireFault = z.output<typeof wireFault>;

function text(min: number, max: number): z.ZodString {
  const fits = (value: string): boolean => {
    const length = Buffer.byteLength(value);
    return length >= min && length <= max;
  };
  return z.string().refine(fits, `expected text of ${min} to ${max} bytes`);
}
