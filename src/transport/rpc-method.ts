import type { z } from 'zod';
import { fault } from '../core/index.ts';

/** What a peer may ask for. */
export type RpcMethod =
  | {
      readonly kind: 'unary';
      readonly run: (params: unknown, signal: AbortSignal) => Promise<unknown>;
    }
  | {
      readonly kind: 'stream';
      readonly run: (params: unknown, signal: AbortSignal) => AsyncIterable<unknown>;
    };

export type RpcMethods = Readonly<Record<string, RpcMethod>>;

/** A method with one answer. A fault that it throws is thrown to the asker. */
export function unary<P>(
  params: z.ZodType<P>,
  run: (params: P, signal: AbortSignal) => Promise<unknown>,
): RpcMethod {
  return { kind: 'unary', run: async (raw, signal) => run(checked(params, raw), signal) };
}

/** A method that answers item by item; it is asked for the next one when there is room for it. */
export function streaming<P>(
  params: z.ZodType<P>,
  run: (params: P, signal: AbortSignal) => AsyncIterable<unknown>,
): RpcMethod {
  return { kind: 'stream', run: (raw, signal) => run(checked(params, raw), signal) };
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
