/**
 * Ava's configuration for `npm test`: that of package.json, and each event of the run written as a
 * JSON line to the file named by RAINSTORM_TEST_EVENTS. (Ava 8.1.2's TAP reporter throws when a test
 * file calls process.exit, so its events are the one account that is always complete.)
 */
import { appendFileSync, readFileSync } from 'node:fs';

const description = new URL('../../package.json', import.meta.url);
const { ava } = JSON.parse(readFileSync(description, 'utf8'));

export default {
  ...ava,
  nonSemVerExperiments: { observeRunsFromConfig: true },
  observeRun({ events }) {
    record(events, process.env.RAINSTORM_TEST_EVENTS);
  },
};

async function record(events, path) {
  for await (const event of events) appendFileSync(path, `${JSON.stringify(outline(event))}\n`);
}

/** What the tally needs of an event. */
function outline(event) {
  const { type, testFile, title, skip, todo } = event;
  if (type !== 'stats') return { type, testFile, title, skip, todo };
  const { byFile: _, ...stats } = event.stats;
  return { type, stats };
}
