/** What a job's progress looks like, as lines of text. Pure: `ProgressView` decides when and where. */
import cliProgress from 'cli-progress';
import { humanBytes, humanCount, humanDuration, humanPercent, humanRate } from './numbers.ts';
import type { Terminal } from './terminal.ts';
import { displayWidth, fitText, visible } from './text.ts';

/** Where a job stands. Counts are since the job began, not since this process did. */
export interface ProgressSnapshot {
  /** Milliseconds since this run began. */
  readonly elapsedMs: number;
  readonly source: {
    readonly bytes: number;
    /** Null for sources without an end. */
    readonly totalBytes: number | null;
    readonly tuples: number;
    /** Tuples a second now. */
    readonly rate: number;
  };
  readonly stages: readonly StageProgress[];
  /** A word such as `running` or `draining`. */
  readonly phase: string;
}

export interface StageProgress {
  readonly name: string;
  readonly in: number;
  readonly out: number;
  readonly filtered: number;
  /** Tuples that were sent to the stage and are not committed yet. */
  readonly lag: number;
}

const BAR_WIDTH = 24;

/** The single line for places that cannot be redrawn. */
export function progressLine(
  title: string,
  snapshot: ProgressSnapshot,
  etaMs: number | null,
): string {
  const { source, stages } = snapshot;
  const stageTexts = stages.map((stage) => {
    return `${visible(stage.name)} ${humanCount(stage.in)}>${humanCount(stage.out)}`;
  });
  return [
    `${visible(title)}: ${snapshot.phase}`,
    share(snapshot),
    `${humanCount(source.tuples)} tuples`,
    humanRate(source.rate),
    ...stageTexts,
    `lag ${humanCount(totalLag(stages))}`,
    `elapsed ${humanDuration(snapshot.elapsedMs)}`,
    ...etaTexts(etaMs),
  ].join(', ');
}

/** The lines that are drawn again and again on a terminal, none wider than it. */
export function progressLines(
  title: string,
  snapshot: ProgressSnapshot,
  etaMs: number | null,
  terminal: Terminal,
): string[] {
  const room = (terminal.columns ?? 80) - 1;
  const { source, stages, phase } = snapshot;
  const facts = [
    share(snapshot),
    `${humanCount(source.tuples)} tuples`,
    humanRate(source.rate),
    `lag ${humanCount(totalLag(stages))}`,
    ...(etaMs === null ? [humanDuration(snapshot.elapsedMs)] : etaTexts(etaMs)),
  ].join('  ');
  const head = `${visible(title)}  ${visible(phase)}`;
  return [
    headLine(head, facts, snapshot, terminal, room),
    ...stageLines(stages).map((line) => terminal.style.dim(fitText(line, room))),
  ];
}

function headLine(
  head: string,
  facts: string,
  snapshot: ProgressSnapshot,
  { style, unicode }: Terminal,
  room: number,
): string {
  const { bytes, totalBytes } = snapshot.source;
  const plainLength = displayWidth(`${head}    ${facts}`);
  const size = Math.min(BAR_WIDTH, room - plainLength);
  if (totalBytes === null || size < 4) return fitText(`${head}  ${facts}`, room);
  const done = totalBytes <= 0 ? 1 : Math.min(1, Math.max(0, bytes / totalBytes));
  return `${style.bold(head)}  ${style.cyan(bar(done, size, unicode))}  ${facts}`;
}

/** A bar of `size` columns; `done` from 0 to 1. */
function bar(done: number, size: number, unicode: boolean): string {
  return cliProgress.Format.BarFormat(done, {
    barsize: size,
    barGlue: '',
    barCompleteString: (unicode ? '█' : '#').repeat(size),
    barIncompleteString: (unicode ? '░' : '.').repeat(size),
  });
}

/** One line a stage, numbers under each other. */
function stageLines(stages: readonly StageProgress[]): string[] {
  const rows = stages.map((stage) => [
    visible(stage.name),
    `in ${humanCount(stage.in)}`,
    `out ${humanCount(stage.out)}`,
    `filtered ${humanCount(stage.filtered)}`,
    `lag ${humanCount(stage.lag)}`,
  ]);
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(0, ...rows.map((r) => displayWidth(r[i]))));
  return rows.map((row) => {
    return `  ${row.map((text, i) => text + ' '.repeat(widths[i] - displayWidth(text))).join('  ')}`;
  });
}

function share({ source }: ProgressSnapshot): string {
  if (source.totalBytes === null) return humanBytes(source.bytes);
  return humanPercent(source.bytes, source.totalBytes);
}

function totalLag(stages: readonly StageProgress[]): number {
  return stages.reduce((sum, stage) => sum + stage.lag, 0);
}

function etaTexts(etaMs: number | null): string[] {
  return etaMs === null ? [] : [`ETA ${humanDuration(etaMs)}`];
}
