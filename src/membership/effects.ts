/** What a step of the core asks its driver to do, in this order. */
import type { Claim } from './claim.ts';
import type { Mode } from './mode.ts';
import type { Packet } from './packet.ts';

/** A node as events name it. */
export type NodeRef = Pick<Claim, 'address' | 'boot' | 'incarnation'>;

/** Why a node is taken for dead. */
export type DeathCause = 'unanswered' | 'told' | 'superseded';

export type MemberEvent =
  | { readonly kind: 'joined'; readonly node: NodeRef }
  /** `by` is the key of who accuses; `first` when that is this node */
  | {
      readonly kind: 'suspected';
      readonly node: NodeRef;
      readonly by: number;
      readonly first: boolean;
    }
  | { readonly kind: 'alive'; readonly node: NodeRef; readonly was: 'suspect' | 'dead' | 'left' }
  | { readonly kind: 'left'; readonly node: NodeRef }
  | { readonly kind: 'dead'; readonly node: NodeRef; readonly cause: DeathCause }
  | { readonly kind: 'mode'; readonly mode: Mode }
  /** this node was accused and objected */
  | { readonly kind: 'refuted'; readonly node: NodeRef; readonly accused: Claim['status'] }
  /** a seed answered for the first time */
  | { readonly kind: 'connected' }
  /** no seed has answered `tries` requests */
  | { readonly kind: 'unanswered'; readonly seeds: readonly string[]; readonly tries: number }
  /** this node was stopped for a while and gives the others as long */
  | { readonly kind: 'stalled'; readonly lateMs: number }
  /** the others know that this node leaves */
  | { readonly kind: 'departed' };

export type Effect =
  | { readonly kind: 'send'; readonly to: string; readonly packet: Packet }
  | { readonly kind: 'event'; readonly event: MemberEvent };
