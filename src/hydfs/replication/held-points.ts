/**
 * What a store remembers of its points while it runs: whom it listens to.
 *
 * K1 A request is heard when nothing newer is known: no newer configuration, from the control log or
 *    from a request, and no other session. Versions and sessions only grow.
 * K2 A session begins with a survey, and everything else of it needs that: a replica that restarted
 *    has forgotten its sessions and is surveyed again.
 * K3 A new configuration may go on with a session, when the primary stays.
 * K4 A filling is a session that begins with its number. With another number, and after a restart,
 *    what is there is discarded first. A replica is never asked to discard.
 */

import type { PointConfig } from '../../control/index.ts';
import type { Refusal, Stamp, Why } from './messages.ts';

/** A point of this store. */
export interface HeldPoint {
  readonly point: number;
  version: number;
  session: number;
  /** The filling of which the files are; null when none is known. */
  fill: number | null;
}

/** Why a request with `stamp` is not heard (K1, K2); null when it is. */
export function refusalOf(
  held: Readonly<HeldPoint>,
  config: PointConfig | null,
  stamp: Stamp,
  options: { readonly store: string; readonly begins: boolean },
): Refusal | null {
  const version = Math.max(held.version, config?.version ?? 0);
  const refused = (why: Why): Refusal => {
    return { kind: 'refused', point: stamp.point, why, version, session: held.session };
  };
  if (stamp.version < version) return refused('version');
  if (config?.version === stamp.version && !isIn(config, options.store)) {
    return refused('unknown-point');
  }
  if (options.begins) {
    const older = stamp.version === held.version && stamp.session <= held.session;
    return older ? refused('session') : null;
  }
  return stamp.session === held.session ? null : refused('session');
}

/** True when `store` holds the point, or is being filled. */
export function isIn(config: PointConfig, store: string): boolean {
  return config.replicas.includes(store) || config.joining.includes(store);
}
