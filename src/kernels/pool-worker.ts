/**
 * The tasks that a pool thread can run: each kernel by its name, and `warm`.
 *
 * Piscina loads this file by name in development; packaged, it is bundled behind `pool-entry.ts`.
 * An error loses its class on the way between threads, so faults and assertions travel as values
 * (`Envelope`) and are made anew by the pool.
 */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { AssertionFailure, Fault } from '../core/index.ts';
import {
  type KernelArgs,
  type KernelName,
  type KernelResult,
  resultBuffers,
  runKernel,
} from './calls.ts';
import type { Envelope } from './envelope.ts';

/** Answers as soon as the thread can take work. */
export function warm(): true {
  return true;
}

export const source = (args: KernelArgs<'source'>): unknown => seal('source', args);
export const merge = (args: KernelArgs<'merge'>): unknown => seal('merge', args);
export const ingest = (args: KernelArgs<'ingest'>): unknown => seal('ingest', args);
export const commit = (args: KernelArgs<'commit'>): unknown => seal('commit', args);
export const sink = (args: KernelArgs<'sink'>): unknown => seal('sink', args);

function seal<N extends KernelName>(name: N, args: KernelArgs<N>): unknown {
  let result: KernelResult<N>;
  try {
    result = runKernel(name, args);
  } catch (error) {
    return sealError(error);
  }
  const envelope: Envelope<N> = { kind: 'result', result };
  return move({
    [transferableSymbol]: resultBuffers(result),
    [valueSymbol]: envelope,
  });
}

function sealError(error: unknown): Envelope<KernelName> {
  if (error instanceof Fault) {
    return { kind: 'fault', code: error.code, parameters: error.parameters };
  }
  if (error instanceof AssertionFailure) return { kind: 'assertion', claim: error.message };
  throw error;
}
