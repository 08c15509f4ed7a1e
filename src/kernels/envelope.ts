import { AssertionFailure, Fault, type FaultCode } from '../core/index.ts';
import type { KernelName, KernelResult } from './calls.ts';

/** What comes back from a pool thread. */
export type Envelope<N extends KernelName> =
  | { readonly kind: 'result'; readonly result: KernelResult<N> }
  | {
      readonly kind: 'fault';
      readonly code: FaultCode;
      readonly parameters: Readonly<Record<string, string | number>>;
    }
  | { readonly kind: 'assertion'; readonly claim: string };

/** The result, or the error as it would have been thrown inline. */
export function openEnvelope<N extends KernelName>(envelope: Envelope<N>): KernelResult<N> {
  if (envelope.kind === 'result') return envelope.result;
  if (envelope.kind === 'fault') throw new Fault(envelope.code, envelope.parameters);
  throw new AssertionFailure(envelope.claim);
}
