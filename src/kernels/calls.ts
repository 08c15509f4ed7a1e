import { type CommitArgs, commit } from './commit.ts';
import { type FormatSinkArgs, formatSink } from './format-sink.ts';
import { type IngestArgs, ingest } from './ingest.ts';
import { type SplitSourceArgs, splitSource } from './split-source.ts';

/** The kernels a pool can run, by name. */
export const kernels = { splitSource, ingest, commit, formatSink } as const;

export type KernelName = keyof typeof kernels;
export type KernelArgs<N extends KernelName> = Parameters<(typeof kernels)[N]>[0];
export type KernelResult<N extends KernelName> = ReturnType<(typeof kernels)[N]>;

/** A call whose name and arguments belong together. */
type AnyArgs = SplitSourceArgs | IngestArgs | CommitArgs | FormatSinkArgs;

/** Runs the kernel `name` here and now. */
export function runKernel<N extends KernelName>(name: N, args: KernelArgs<N>): KernelResult<N> {
  const kernel = kernels[name] as (args: AnyArgs) => KernelResult<N>;
  return kernel(args as AnyArgs);
}

/** The buffers of a result, which can be handed to another thread without copying. */
export function resultBuffers(result: KernelResult<KernelName>): ArrayBuffer[] {
  if ('text' in result) return [result.text.buffer];
  if ('blocks' in result) return result.blocks.map((block) => block.bytes.buffer);
  return 'bytes' in result ? [result.bytes.buffer] : [];
}
