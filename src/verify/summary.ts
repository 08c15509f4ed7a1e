import type { Verdict } from './verdict.ts';

/** A verdict in one sentence. */
export function summaryOf(
  verdict: Pick<Verdict, 'job' | 'name' | 'state' | 'exactlyOnce' | 'complete' | 'checks'>,
): string {
  const { name, state, exactlyOnce, complete, checks } = verdict;
  const job = `job ${name} (${verdict.job.slice(0, 8)}, ${state})`;
  const refuted = checks.filter(({ outcome }) => outcome === 'refuted');
  if (refuted.length > 0) {
    const [first] = refuted;
    const more = refuted.length > 1 ? ` (and ${refuted.length - 1} more)` : '';
    return `REFUTED: ${job} breaks "${first.claim}"${more}: ${first.counterExample}`;
  }
  const proved = checks.filter(({ outcome }) => outcome === 'proved').length;
  if (checks[0].outcome !== 'proved')
    return `${job} has written nothing yet that could be looked at`;
  const what = exactlyOnce
    ? "every input's effect is in the output exactly once"
    : 'what at-least-once promises holds, repeats are allowed';
  const far = complete ? '' : ', as far as the job has come';
  return `PROVED: ${job}: ${what}${far} (${proved} of ${checks.length} checks apply)`;
}
