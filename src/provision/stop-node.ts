import { fault, sleep } from '../core/index.ts';
import type { FarHost } from './far-host.ts';

const POLL_MS = 200;
/** A node leaves the cluster properly, which takes seconds when nobody can decide. */
const STOP_MS = 30_000;

/**
 * Asks the node of a host to leave, and waits until its process is gone.
 * @throws NODE_STILL_RUNS
 */
export async function stopNode(far: FarHost, limitMs = STOP_MS): Promise<void> {
  const { clock, signal, host } = far;
  const deadline = clock.now() + limitMs;
  await far.task('stop', ['TERM']);
  for (;;) {
    const facts = await far.task('state');
    if (facts.get('node') !== 'running') return;
    if (clock.now() >= deadline) {
      throw fault('NODE_STILL_RUNS', {
        host: host.name,
        pid: facts.get('pid') ?? '?',
        seconds: Math.round(limitMs / 1000),
        dir: facts.get('dir') ?? host.dir,
      });
    }
    await sleep(clock, POLL_MS, signal);
  }
}
