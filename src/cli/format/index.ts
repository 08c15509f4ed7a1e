/**
 * cli/format: how things look. Pure texts, and one view that redraws itself; the only place that
 * knows the table, bar and colour libraries.
 *
 *   const terminal = terminalOf(process.stderr, process.env);
 *   process.stdout.write(`${renderTable([{ title: 'job' }], [['signs']], terminal)}\n`);
 *
 *   const view = new ProgressView({
 *     title: 'signs', output: process.stderr, clock: systemClock,
 *     terminal: () => terminalOf(process.stderr, process.env),
 *   });
 *   view.update(snapshot);
 *   view.finish();
 *   process.stderr.write(`${renderSummary(summary, terminal)}\n`);
 */
export { type HostStep, HostsView, type HostsViewOptions } from './hosts-view.ts';
export { humanBytes, humanCount, humanDuration, humanPercent, humanRate } from './numbers.ts';
export type { ProgressSnapshot, StageProgress } from './progress-frame.ts';
export { ProgressView, type ProgressViewOptions } from './progress-view.ts';
export { FIRST_LINES_MAX, type JobSummary, renderSummary } from './summary.ts';
export {
  type Cell,
  type Column,
  renderTable,
  TABLE_COLUMNS_MAX,
  TABLE_COLUMNS_MIN,
} from './table.ts';
export {
  type Output,
  plainTerminal,
  type Style,
  type Terminal,
  type TerminalEnvironment,
  terminalOf,
} from './terminal.ts';
export { displayWidth, fitText, visible } from './text.ts';
