import { commit } from './commit.ts';
import { formatSink } from './format-sink.ts';
import { ingest } from './ingest.ts';
import { mergeBlocks } from './merge-blocks.ts';
import { splitSource } from './split-source.ts';

interface Kernels {
  readonly source: typeof splitSource;
  readonly merge: typeof mergeBlocks;
  readonly ingest: typeof ingest;
  readonly commit: typeof commit;
  readonly sink: typeof formatSink;
}

export type KernelName = keyof Kernels;
export type KernelArgs<N extends KernelName> = Parameters<Kernels[N]>[0];
export type KernelResult<N extends KernelName> = ReturnType<Kernels[N]>;

const kernels: { readonly [N in KernelName]: (args: KernelArgs<N>) => KernelResult<N> } = {
  source: splitSource,
  merge: mergeBlocks,
  ingest,
  commit,
  sink: formatSink,
};

/** Runs the kernel `name` here and now. */
export function runKernel<N extends KernelName>(name: N, args: KernelArgs<N>): KernelResult<N> {
  return kernels[name](args);
}

/** The buffers of a result, which can be handed to another thread without copying. */
export function resultBuffers(result: KernelResult<KernelName>): ArrayBuffer[] {
  if (result instanceof Uint8Array) return [result.buffer];
  if ('text' in result) return [result.text.buffer];
  if ('blocks' in result) return result.blocks.map((block) => block.bytes.buffer);
  return 'bytes' in result ? [result.bytes.buffer] : [];
}
