/** `npm run demo:killed`: as `demo:count`, but a counting task is killed after 10 seconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { checkCounts, demonstrate } from './lib/demonstration.mjs';

const KILL_AFTER_MS = 10_000;

await demonstrate({
  title: 'killed: the same counts although a counting task is killed after 10 seconds',
  name: 'killed',
  lines: 20_000,
  stages: [
    ['filter.py', "'Punched Telspar'", 'filter'],
    // column 8 (Category) becomes the key, so that each category is counted in one task
    ['project.py', '--key 8 3 8', 'transform'],
    ['count_by_key.py', 'none', 'aggregate'],
  ],
  rate: 1000,
  check: checkCounts,
  during: killOne,
});

async function killOne(cluster) {
  await sleep(KILL_AFTER_MS);
  const tasks = JSON.parse(await cluster.rainstorm(['tasks', '--json'], { quiet: true }));
  const victim = tasks.find(({ stage, pids }) => stage === 3 && pids.length > 0);
  if (victim === undefined) throw new Error('no counting task was running after 10 seconds');
  const [pid] = victim.pids;
  console.error(`killing ${victim.name}: pid ${pid} on ${victim.vm}`);
  await cluster.rainstorm(['kill-task', victim.vm, String(pid)], { quiet: true });
}
