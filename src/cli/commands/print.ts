/** How commands print: a table for people, JSON for programs. */
import type { CommandLine } from '../command-line.ts';
import { type Cell, type Column, renderTable } from '../format/index.ts';
import { type Io, write } from '../io.ts';

/** A column of a listing and where its cells come from. */
export interface Shown<Row> extends Column {
  readonly cell: (row: Row) => Cell;
}

/** Prints `rows`, or `json` of them with --json; `none` is said on stderr when there are none. */
export async function printListing<Row>(
  line: CommandLine,
  io: Io,
  listing: {
    readonly rows: readonly Row[];
    readonly columns: readonly Shown<Row>[];
    readonly none: string;
  },
): Promise<void> {
  const { rows, columns, none } = listing;
  if (line.flags.json) return printJson(io, rows);
  if (rows.length === 0) return write(io.stderr, `${none}\n`);
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  await write(io.stdout, `${renderTable(columns, cells, io.terminal('stdout'))}\n`);
}

/** Prints `value` as JSON, indented. */
export function printJson(io: Io, value: unknown): Promise<void> {
  return write(io.stdout, `${JSON.stringify(value, null, 2)}\n`);
}

/** Prints one result: `json` with --json, otherwise the sentence. */
export function printResult(
  line: CommandLine,
  io: Io,
  result: { readonly text: string; readonly json: unknown },
): Promise<void> {
  return line.flags.json ? printJson(io, result.json) : write(io.stdout, `${result.text}\n`);
}

/** A moment as people read it, in UTC and to the second. */
export function momentText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
