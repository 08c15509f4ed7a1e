import { commit } from './commit.ts';
import { formatSink } from './format-sink.ts';
import { ingest } from './ingest.ts';
import { mergeBlocks } from './merge-blocks.ts';
import { splitSource } from './split-source.ts';

/** The kernels a pool can run, by name. */
export const kernels = {
  source: splitSource,
  merge: mergeBlocks,
  ingest,
  commit,
  sink: formatSink,
} as const;

export type KernelName = keyof typeof kernels;
export type KernelArgs<N extends KernelName> = Parameters<(typeof kernels)[N]>[0];
export type KernelResult<N extends KernelName> = ReturnType<(typeof kernels)[N]>;

/** Runs the kernel `name` here and now. */
export function runKernel<N extends KernelName>(name: N, args: KernelArgs<N>): KernelResult<N> {
  const kernel = kernels[name] as unknown as (args: KernelArgs<N>) => KernelResult<N>;
  return kernel(args);
}

/** The buffers of a result, which can be handed to another thread without copying. */
export function resultBuffers(result: KernelResult<KernelName>): ArrayBuffer[] {
  if (result instanceof Uint8Array) return [result.buffer];
  if ('text' in result) return [result.text.buffer];
  if ('blocks' in result) return result.blocks.map((block) => block.bytes.buffer);
  return 'bytes' in result ? [result.bytes.buffer] : [];
}
