/** What the demonstrations share: sample data, one cluster, one job in the positional form, a check. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Complaint, environment, root, setUp, withComplaints } from '../../lib/setup.mjs';
import { makeSigns } from '../../make-signs.mjs';
import { LocalCluster } from './local-cluster.mjs';

const NODES = 3;

/**
 * Runs a demonstration and says whether its output is right.
 * @param lines lines of the sample
 * @param stages `Op_Exe, Op_Args, Op_Type` of each stage
 * @param rate tuples a second; 0 as fast as it goes
 * @param check `(source, output) => what it found`; throws when the output is wrong
 * @param during called with the cluster while the job runs
 */
export function demonstrate({ title, name, lines, stages, rate, check, during }) {
  return withComplaints(async () => {
    await setUp();
    console.error(`${title}\nstarting ${NODES} nodes on 127.0.0.1 to 127.0.0.${NODES}`);
    const cluster = await LocalCluster.start(NODES);
    try {
      const source = join(cluster.dir, 'signs.csv');
      const output = join(cluster.dir, `${name}.txt`);
      makeSigns({ lines, seed: 7, out: source });
      await cluster.rainstorm(['fs', 'create', 'signs.csv']);
      await cluster.rainstorm(['fs', 'append', 'signs.csv', source]);
      const words = [
        ...['rainstorm', String(stages.length), '3', ...stages.flat(), '1', 'signs.csv'],
        ...['false', String(rate), '0', '0', `${name}.txt`, 'true'],
      ];
      const job = cluster.rainstorm(words);
      await Promise.all([job, during?.(cluster)]);
      await cluster.rainstorm(['fs', 'get', `${name}.txt`, output]);
      console.log(`${await check(source, output)}: the output is right`);
      return 0;
    } catch (error) {
      throw new Complaint(error.message, { cause: error });
    } finally {
      await cluster.stop();
    }
  });
}

/** The counts by category, checked by a program that shares nothing with rainstorm. */
export async function checkCounts(source, output) {
  const script = join(root, 'scripts', 'demo', 'check_counts.py');
  const run = promisify(execFile)('python3', [script, source, output], { env: environment() });
  const { stdout } = await run.catch(({ stderr }) => {
    throw new Error(stderr.trim());
  });
  return stdout.trim();
}
