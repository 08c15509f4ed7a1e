/** What the presentation helpers need to know about the place they write to. */
import picocolors from 'picocolors';

/** The part of a stream that is written to here; `process.stderr` is one. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The environment variables that decide about colours and characters. */
export type TerminalEnvironment = Readonly<Record<string, string | undefined>>;

/** How text may look at one place. */
export interface Terminal {
  /** True when a person looks at it, so that lines can be drawn again. */
  readonly interactive: boolean;
  /** Columns of an interactive terminal; null means that lines may have any length. */
  readonly columns: number | null;
  /** True when block characters can be shown. */
  readonly unicode: boolean;
  /** Wrap text in colour, or return it as it is where colours are off. */
  readonly style: Style;
}

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/** Columns that are assumed when a terminal does not say. */
const COLUMNS_DEFAULT = 80;

/**
 * Describes `output`. There are no colours when it is not a terminal, when NO_COLOR is set to
 * anything but the empty text (no-color.org), or when TERM is `dumb`.
 */
export function terminalOf(output: Output, env: TerminalEnvironment): Terminal {
  const dumb = env.TERM === 'dumb';
  const interactive = output.isTTY === true && !dumb;
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  const colours = interactive && (env.NO_COLOR === undefined || env.NO_COLOR === '');
  return {
    interactive,
    columns: interactive ? (output.columns ?? COLUMNS_DEFAULT) : null,
    unicode: interactive && /utf-?8/i.test(locale),
    style: picocolors.createColors(colours),
  };
}

/** A place without colours, redrawing or a width: files, pipes and tests. */
export const plainTerminal: Terminal = {
  interactive: false,
  columns: null,
  unicode: false,
  style: picocolors.createColors(false),
};
