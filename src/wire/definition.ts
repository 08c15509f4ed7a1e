/**
 * How a message is declared: a number for ever, a kind, and its fields in the order of the grammar
 * (field k of the grammar is the k-th of `shape`). Fields are only ever appended, with a new
 * protocol version; numbers are never used again.
 */
import { z } from 'zod';
import { pieces } from './fields.ts';

export interface Definition<K extends string, S extends z.ZodRawShape> {
  readonly number: number;
  readonly kind: K;
  readonly fields: readonly string[];
  readonly schema: z.ZodObject<S>;
  /** True when the last field is `data`: bytes that end the message, up to the limit of blocks. */
  readonly bulk: boolean;
}

/** The message that a definition describes. */
export type MessageOf<D> =
  D extends Definition<infer K, infer S>
    ? { readonly kind: K } & Readonly<z.output<z.ZodObject<S>>>
    : never;

/** Declares message `number`. */
export function defineMessage<K extends string, S extends z.ZodRawShape>(
  number: number,
  kind: K,
  shape: S,
): Definition<K, S> {
  return { number, kind, fields: Object.keys(shape), schema: z.object(shape), bulk: false };
}

/**
 * Declares message `number`, whose last field is `data`: given in pieces that are sent one behind
 * the other without being copied, received in pieces that are views of the message.
 */
export function defineBulkMessage<K extends string, S extends z.ZodRawShape>(
  number: number,
  kind: K,
  shape: S,
): Definition<K, S & { data: typeof pieces }> {
  const whole = { ...shape, data: pieces };
  return { number, kind, fields: Object.keys(whole), schema: z.object(whole), bulk: true };
}
