import { assert } from '../../core/index.ts';
import type { Inventory } from './reconcile.ts';
import type { ReplicaLink } from './replica-link.ts';
import type { FileExtent } from './stored-files.ts';

/** One way from a survey to serving; what was begun for an earlier one is without effect. */
export interface Attempt {
  readonly abort: AbortController;
  readonly found: Map<ReplicaLink, { readonly session: number; readonly inventory: Inventory }>;
  own: readonly FileExtent[] | null;
}

/** Where a ring point of a store is on its way to serving; see `primary-point.ts`. */
export type PointPhase =
  | { readonly kind: 'inactive' }
  | { readonly kind: 'surveying'; readonly attempt: Attempt }
  | { readonly kind: 'reconciling'; readonly attempt: Attempt }
  | { readonly kind: 'active' }
  | { readonly kind: 'fenced'; readonly version: number };

type PhaseKind = PointPhase['kind'];

const edges = {
  inactive: ['inactive', 'surveying', 'fenced'],
  surveying: ['inactive', 'surveying', 'reconciling', 'fenced'],
  reconciling: ['inactive', 'surveying', 'active', 'fenced'],
  active: ['inactive', 'surveying', 'fenced'],
  fenced: ['inactive', 'surveying', 'fenced'],
} as const satisfies Record<PhaseKind, readonly PhaseKind[]>;

/** `to`, when a point may become that. */
export function next(from: PointPhase, to: PointPhase): PointPhase {
  const allowed: readonly PhaseKind[] = edges[from.kind];
  assert(allowed.includes(to.kind), `a point goes from ${from.kind} to ${to.kind}`);
  return to;
}
