/** The last thing a run says: what went in, what came out, and where it is. */
import { humanCount, humanDuration, humanRate } from './numbers.ts';
import { plainTerminal, type Terminal } from './terminal.ts';
import { displayWidth, fitText, visible } from './text.ts';

/** A run that is over. */
export interface JobSummary {
  readonly name: string;
  readonly outcome: 'done' | 'stopped' | 'failed';
  readonly tuplesIn: number;
  readonly filtered: number;
  readonly tuplesOut: number;
  readonly duplicatesDropped: number;
  readonly retries: number;
  readonly deadLetters: number;
  /** Where the dead letters are, when there are any. */
  readonly deadLettersFile: string | null;
  readonly elapsedMs: number;
  /** Tuples a second over this run. */
  readonly rate: number;
  /** Where the output is, as the user can open it. */
  readonly output: string;
  /** The first lines of the output; those beyond `FIRST_LINES_MAX` are left out. */
  readonly firstLines: readonly string[];
}

export const FIRST_LINES_MAX = 5;
/** Longest line of the output that is shown where there is no terminal. */
const LINE_COLUMNS = 120;

/** The summary as text, without a newline at the end. */
export function renderSummary(summary: JobSummary, terminal: Terminal = plainTerminal): string {
  const { style } = terminal;
  const room = (terminal.columns ?? LINE_COLUMNS) - 1;
  const facts = factsOf(summary);
  const labelWidth = Math.max(...facts.map(([label]) => label.length));
  const lines = facts.map(([label, value]) => {
    return `  ${style.dim(label.padEnd(labelWidth))}  ${visible(value)}`;
  });
  const shown = summary.firstLines.slice(0, FIRST_LINES_MAX);
  const excerpt = shown.map((line) => `    ${fitText(visible(line), room - 4)}`);
  const heading = excerpt.length > 0 ? [`  ${style.dim('first lines of the output')}`] : [];
  return [title(summary, terminal), ...lines, ...heading, ...excerpt].join('\n');
}

function title({ name, outcome }: JobSummary, { style }: Terminal): string {
  const paint = { done: style.green, stopped: style.yellow, failed: style.red }[outcome];
  const words = { done: 'is done', stopped: 'was stopped', failed: 'failed' }[outcome];
  return `${style.bold(visible(name))} ${paint(words)}`;
}

function factsOf(summary: JobSummary): [label: string, value: string][] {
  const counts: [string, number][] = [
    ['tuples in', summary.tuplesIn],
    ['filtered out', summary.filtered],
    ['tuples out', summary.tuplesOut],
    ['duplicates dropped', summary.duplicatesDropped],
    ['retries', summary.retries],
    ['dead letters', summary.deadLetters],
  ];
  const texts = counts.map(([label, count]) => [label, humanCount(count)] as const);
  const width = Math.max(...texts.map(([, text]) => displayWidth(text)));
  const where = summary.deadLetters > 0 ? summary.deadLettersFile : null;
  return [
    ...texts.map(([label, text]): [string, string] => [label, text.padStart(width)]),
    ...(where === null ? [] : [['dead letters are in', where] as [string, string]]),
    ['elapsed', humanDuration(summary.elapsedMs)],
    ['rate', humanRate(summary.rate)],
    ['output', summary.output],
  ];
}
