/** How a message body becomes a CBOR array and back. */
import { z } from 'zod';

/** A body of kind `kind`: on the wire `[number, field, field, ...]`. */
export interface BodyDefinition<K extends string, S extends z.ZodRawShape> {
  readonly number: number;
  readonly kind: K;
  readonly fields: readonly string[];
  readonly shape: z.ZodObject<S>;
}

export type BodyOf<D> =
  D extends BodyDefinition<infer K, infer S>
    ? { readonly kind: K } & Readonly<z.output<z.ZodObject<S>>>
    : never;

/** Numbers are append-only; the order of `shape` is the order on the wire. */
export function defineBody<K extends string, S extends z.ZodRawShape>(
  number: number,
  kind: K,
  shape: S,
): BodyDefinition<K, S> {
  return { number, kind, fields: Object.keys(shape), shape: z.object(shape) };
}
