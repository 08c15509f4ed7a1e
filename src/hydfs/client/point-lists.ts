/**
 * The names of all files: every primary is asked once for the files of all its points.
 *
 * The names of a point are taken from a node that says that it was the point's primary, under a
 * configuration no older than the one known here; the points that nobody answered for are asked
 * for again.
 */
import { RING_POINTS, ringPointOf } from '../../plan/index.ts';
import { isPassing, notReady } from './passing.ts';
import type { Routes } from './routes.ts';

const WHAT = 'the list of files';

/** @throws FILES_UNREACHABLE */
export async function listFiles(routes: Routes, prefix: string): Promise<readonly string[]> {
  const { clock, limits } = routes;
  const deadline = clock.now() + limits.patienceMs;
  const missing = new Set(Array.from({ length: RING_POINTS }, (_, point) => point));
  const names = new Set<string>();
  for (let tries = 0; ; tries++) {
    const trouble = await askAll(routes, { prefix, missing, names, deadline });
    if (missing.size === 0) return [...names].sort();
    if (clock.now() >= deadline) throw routes.unreachable(WHAT, limits.patienceMs, trouble);
    const [point] = missing;
    await routes.pause(point, tries, { deadline });
  }
}

interface Round {
  readonly prefix: string;
  readonly missing: Set<number>;
  readonly names: Set<string>;
  readonly deadline: number;
}

/** Asks for the points that are missing; why some still are. */
async function askAll(routes: Routes, round: Round): Promise<unknown> {
  let trouble: unknown = notReady(WHAT, `${round.missing.size} ring points have moved`);
  const primaries = new Map<string, { readonly address: string | null; readonly point: number }>();
  for (const point of round.missing) {
    try {
      const { address, store } = routes.primaryOf(WHAT, point);
      primaries.set(store, { address, point });
    } catch (error) {
      if (!isPassing(error)) throw error;
      trouble = error;
    }
  }
  const asked = [...primaries.values()].map(async ({ address, point }) => {
    try {
      await askOne(routes, round, { address, point });
    } catch (error) {
      if (!isPassing(error)) throw error;
      trouble = error;
    }
  });
  await Promise.all(asked);
  return trouble;
}

async function askOne(
  routes: Routes,
  { prefix, missing, names, deadline }: Round,
  { address, point }: { readonly address: string | null; readonly point: number },
): Promise<void> {
  const lease = routes.begin(WHAT, { deadline, point });
  try {
    const access = await lease.within(routes.accessTo(address, lease.signal));
    const found = await lease.within(access.listing(prefix, lease.signal));
    const answered = new Set<number>();
    for (const each of found.points) {
      const known = routes.newest(each.point);
      if (each.version >= known && missing.has(each.point)) answered.add(each.point);
    }
    for (const name of found.names) if (answered.has(ringPointOf(name))) names.add(name);
    for (const each of answered) missing.delete(each);
  } finally {
    lease.end();
  }
}
