import { isFault, reasonOf, sleep } from '../../core/index.ts';
import type { ReplicaContext } from './context.ts';
import type { Mender } from './mender.ts';
import type { PrimaryPoint } from './primary-point.ts';

/**
 * Compares the copies of one file after the other, for as long as the store lives: a bit that flips on
 * a disk is found before the other copies are lost.
 */
export async function scrub(
  context: ReplicaContext,
  mender: Mender,
  points: () => Iterable<PrimaryPoint>,
): Promise<void> {
  const { limits, clock, ended, log } = context;
  if (limits.scrubMs === 0) return;
  while (!ended.aborted) {
    await sleep(clock, limits.scrubMs, ended);
    for (const point of points()) {
      for (const file of [...point.files.values()]) {
        if (ended.aborted) return;
        if (!point.active || point.files.get(file.name) !== file) continue;
        if (file.phase.kind !== 'open') continue;
        try {
          const { repaired } = await mender.merge({ point, file }, true);
          log.debug('a file was compared', { name: file.name, repaired: repaired.length });
        } catch (error) {
          const facts = { name: file.name, reason: reasonOf(error) };
          if (isFault(error)) log.info('a file could not be compared', facts);
          else log.error('comparing a file failed', facts);
        }
        await sleep(clock, limits.scrubMs, ended);
      }
    }
  }
}
