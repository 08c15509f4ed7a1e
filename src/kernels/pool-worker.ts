/**
 * The tasks that a pool thread can run: each kernel by its name, and `warm`.
 *
 * Piscina loads this file by name in development; packaged, it is bundled behind `pool-entry.ts`.
 * An error loses its class on the way between threads, so faults and assertions travel as values
 * (`Envelope`) and are made anew by the pool.
 */
import { move, Piscina } from 'piscina';
import { AssertionFailure, Fault } from '../core/index.ts';
import {
  type KernelArgs,
  type KernelName,
  type KernelResult,
  resultBuffers,
  runKernel,
} from './calls.ts';
import type { CommitArgs } from './commit.ts';
import type { Envelope } from './envelope.ts';
import type { FormatSinkArgs } from './format-sink.ts';
import type { IngestArgs } from './ingest.ts';
import type { SplitSourceArgs } from './split-source.ts';

/** Answers as soon as the thread can take work. */
export function warm(): true {
  return true;
}

export function splitSource(args: SplitSourceArgs): unknown {
  return seal('splitSource', args);
}

export function ingest(args: IngestArgs): unknown {
  return seal('ingest', args);
}

export function commit(args: CommitArgs): unknown {
  return seal('commit', args);
}

export function formatSink(args: FormatSinkArgs): unknown {
  return seal('formatSink', args);
}

function seal<N extends KernelName>(name: N, args: KernelArgs<N>): unknown {
  let result: KernelResult<N>;
  try {
    result = runKernel(name, args);
  } catch (error) {
    return sealError(error);
  }
  const envelope: Envelope<N> = { kind: 'result', result };
  return move({
    [Piscina.transferableSymbol]: resultBuffers(result),
    [Piscina.valueSymbol]: envelope,
  } as unknown as ArrayBuffer);
}

function sealError(error: unknown): Envelope<KernelName> {
  if (error instanceof Fault) {
    return { kind: 'fault', code: error.code, parameters: error.parameters };
  }
  if (error instanceof AssertionFailure) return { kind: 'assertion', claim: error.message };
  throw error;
}
