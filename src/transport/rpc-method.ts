import type { z } from 'zod';
import { fault } from '../core/index.ts';

/** What a method is given: its params, what ends it early, and the bytes beside them, as they came. */
type Run<P, R> = (params: P, signal: AbortSignal, data: readonly Uint8Array[]) => R;

/** What a peer may ask for. An answer or an item that is a `Bulk` carries bytes beside it. */
export type RpcMethod =
  | { readonly kind: 'unary'; readonly run: Run<unknown, Promise<unknown>> }
  | { readonly kind: 'stream'; readonly run: Run<unknown, AsyncIterable<unknown>> };

export type RpcMethods = Readonly<Record<string, RpcMethod>>;

/** A method with one answer. A fault that it throws is thrown to the asker. */
export function unary<P>(params: z.ZodType<P>, run: Run<P, Promise<unknown>>): RpcMethod {
  return {
    kind: 'unary',
    run: async (raw, signal, data) => run(checked(params, raw), signal, data),
  };
}

/** A method that answers item by item; it is asked for the next one when there is room for it. */
export function streaming<P>(params: z.ZodType<P>, run: Run<P, AsyncIterable<unknown>>): RpcMethod {
  return { kind: 'stream', run: (raw, signal, data) => run(checked(params, raw), signal, data) };
}

class ParamsInvalid extends Error {
  override readonly name = 'ParamsInvalid';
}

/** V2. */
function checked<P>(schema: z.ZodType<P>, raw: unknown): P {
  const outcome = schema.safeParse(raw);
  if (outcome.success) return outcome.data;
  const [issue] = outcome.error.issues;
  throw new ParamsInvalid(`${['params', ...issue.path].join('.')}: ${issue.message}`);
}

/** What a method threw, with the method's name where its params were wrong. */
export function named(method: string, error: unknown): unknown {
  if (!(error instanceof ParamsInvalid)) return error;
  return fault('REQUEST_INVALID', { method, problem: error.message }, error);
}
