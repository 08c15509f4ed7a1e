/**
 * `npm run soak:membership -- [minutes] [nodes]`: idle nodes (10 unless said) at default settings, but
 * with 5 % of their datagrams thrown away, beside two processes that burn the processors. Ends with 1
 * when a node that lives is declared dead in any list. Every process is ended by its id, also after
 * Ctrl-C.
 */
import { spawn } from 'node:child_process';
import { Cluster } from '../test/cluster/cluster.ts';
import { Accusations } from '../test/cluster/watch.ts';

const BURNERS = 2;
const REPORT_MS = 60_000;
const MINUTE_MS = 60_000;

const minutes = Number(process.argv[2] ?? 30);
const count = Number(process.argv[3] ?? 10);
if (!(minutes > 0 && minutes <= 24 * 60 && count >= 2 && count <= 64)) {
  console.error('usage: npm run soak:membership -- [minutes, at most 1440] [nodes, 2 to 64]');
  process.exit(2);
}

const cluster = await Cluster.make(['--drop-rate', '0.05']);
const burners = [];
let interrupted = false;
let wake = () => undefined;
for (const name of ['SIGINT', 'SIGTERM']) {
  process.on(name, () => {
    interrupted = true;
    wake();
  });
}

try {
  await cluster.grow(count);
  for (let i = 0; i < BURNERS; i++) burners.push(spawn(process.execPath, ['-e', 'for (;;);']));
  process.on('exit', endBurners);
  const watch = new Accusations(cluster.nodes);
  const end = performance.now() + minutes * MINUTE_MS;
  console.log(`${count} nodes, ${BURNERS} burners, 5 % loss, ${minutes} minutes`);
  while (performance.now() < end && watch.deaths().length === 0 && !interrupted) {
    await pause(Math.min(REPORT_MS, Math.max(0, end - performance.now())));
    const left = Math.max(0, (end - performance.now()) / MINUTE_MS).toFixed(1);
    console.log(
      `${left} minutes left, ${watch.suspicions()} suspicions, ${watch.deaths().length} deaths`,
    );
  }
  const ended = cluster.nodes.filter(({ isRunning }) => !isRunning);
  const deaths = watch.deaths();
  for (const death of deaths) console.error(`declared dead by ${death}`);
  for (const { address, stderr } of ended) console.error(`${address} ended: ${stderr.slice(-500)}`);
  console.log(`${deaths.length} false deaths, ${watch.suspicions()} suspicions`);
  process.exitCode = deaths.length + ended.length > 0 ? 1 : 0;
} finally {
  endBurners();
  await cluster.close();
}

function endBurners() {
  for (const burner of burners.splice(0)) burner.kill('SIGKILL');
}

function pause(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
