import type { ControlLog } from '../control/index.ts';

/** Calls `forgotten` with each job that disappears from `control`, whichever way. Gives the way to end it. */
export function onForgotten(control: ControlLog, forgotten: (job: string) => void): () => void {
  let known: ReadonlySet<string> = new Set(control.state.jobs.keys());
  const look = (): void => {
    const before = known;
    known = new Set(control.state.jobs.keys());
    for (const job of before) if (!known.has(job)) forgotten(job);
  };
  const ends = [
    control.subscribe(({ command }) => {
      if (command.kind === 'job-forget' || command.kind === 'job-submit') look();
    }),
    control.onRestore(look),
  ];
  return () => {
    for (const end of ends) end();
  };
}
