import type { JobView } from '../leader/index.ts';
import type { ProgressSnapshot, StageProgress } from './format/index.ts';

/** How much there is to read; null for sources without an end. */
export interface SourceSizes {
  readonly total: number | null;
}

/** The progress of `view` for display. */
export function progressOf(view: JobView, sizes: SourceSizes, elapsedMs: number): ProgressSnapshot {
  const [source, ...stages] = view.stages;
  let arriving = source?.counts.out ?? 0;
  const shown: StageProgress[] = [];
  for (const { name, counts } of stages) {
    const { in: taken = 0, out = 0, filtered = 0 } = counts;
    shown.push({ name, in: taken, out, filtered, lag: Math.max(0, arriving - taken) });
    arriving = out;
  }
  return {
    elapsedMs,
    source: {
      bytes: source?.counts.bytes ?? 0,
      totalBytes: sizes.total,
      tuples: source?.counts.in ?? 0,
      rate: source?.rate ?? 0,
    },
    stages: shown,
    phase: view.state,
  };
}
