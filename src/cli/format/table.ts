/**
 * Listings: aligned columns without lines, in time linear in the rows. (cli-table3 took 7 s for
 * 20,000 rows, and pads by other character widths than those that the cells are cut by.)
 *
 * T1. On a terminal every row takes one line of at most the terminal's columns (80 to 200): the
 *     widest cells are cut first, and a cut is always marked.
 * T2. Anywhere else nothing is cut, so that a listing can be searched and split.
 * T3. Cells are user data: control characters are shown, not obeyed.
 */
import { plainTerminal, type Terminal } from './terminal.ts';
import { displayWidth, fitText, visible } from './text.ts';

/** One column of a listing. */
export interface Column {
  readonly title: string;
  /** Numbers read best at the right. */
  readonly align?: 'left' | 'right';
  /** Which part of a long text matters, for paths the end; the start unless told. */
  readonly keep?: 'start' | 'end';
}

/** A cell; null shows a dash. */
export type Cell = string | number | null;

export const TABLE_COLUMNS_MIN = 80;
export const TABLE_COLUMNS_MAX = 200;
const GAP = '  ';
/** No column is cut below this. */
const CELL_WIDTH_MIN = 4;

/** The listing as text, a line per row after the titles, without a newline at the end. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  terminal: Terminal = plainTerminal,
): string {
  const titles = columns.map((column) => column.title);
  const texts = rows.map((row) => columns.map((_, i) => visible(cellText(row[i] ?? null))));
  const natural = widestOf([titles, ...texts], columns.length);
  const widths = terminal.columns === null ? natural : fitWidths(natural, terminal.columns);
  const line = (row: readonly string[]): string => {
    return row
      .map((text, i) => padded(text, widths[i], columns[i]))
      .join(GAP)
      .trimEnd();
  };
  return [terminal.style.bold(line(titles)), ...texts.map(line)].join('\n');
}

function padded(text: string, width: number, column: Column): string {
  const cut = fitText(text, width, column.keep);
  const padding = ' '.repeat(width - displayWidth(cut));
  return column.align === 'right' ? padding + cut : cut + padding;
}

function cellText(cell: Cell): string {
  return cell === null || cell === '' ? '-' : String(cell);
}

function widestOf(rows: readonly (readonly string[])[], columns: number): number[] {
  const widths = new Array<number>(columns).fill(0);
  for (const row of rows) {
    for (let i = 0; i < columns; i++) widths[i] = Math.max(widths[i], displayWidth(row[i]));
  }
  return widths;
}

/** `natural` widths, the widest cut until all fit (T1). */
function fitWidths(natural: readonly number[], terminalColumns: number): number[] {
  const whole = Math.min(TABLE_COLUMNS_MAX, Math.max(TABLE_COLUMNS_MIN, terminalColumns));
  const room = whole - GAP.length * (natural.length - 1);
  let cap = Math.max(...natural);
  const total = (): number => natural.reduce((sum, width) => sum + Math.min(width, cap), 0);
  while (cap > CELL_WIDTH_MIN && total() > room) cap -= 1;
  const widths = natural.map((width) => Math.min(width, cap));
  let spare = room - total();
  return widths.map((width, i) => {
    const extra = Math.max(0, Math.min(spare, natural[i] - width));
    spare -= extra;
    return width + extra;
  });
}
