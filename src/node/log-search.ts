/**
 * The log files of one node, searched for lines that match: node.log, and those of tasks.
 *
 * Invariants
 *   S1  Memory is bounded: lines are read piece by piece and cut at `LINE_CHARS_MAX`, and after
 *       `FOUND_MAX` lines the search ends and says so.
 *   S2  A pattern that would take for ever stops nobody else: matching a few lines has
 *       `MATCH_MS_MAX`, after which the search fails. Between two pieces other work has its turn.
 *   S3  No request names a path: everything below the folder of logs is searched, nothing else.
 */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createContext, Script } from 'node:vm';
import { fault, reasonOf } from '../core/index.ts';

/** Lines that one node gives for one search. */
const FOUND_MAX = 10_000;
/** Characters of a line that are looked at and given. */
const LINE_CHARS_MAX = 4_096;
/** Lines that are matched at once. */
const PIECE_LINES = 512;
const MATCH_MS_MAX = 200;

/** Matching lines of one file of one node, in order, or why the node's search ended early. */
export interface FoundLines {
  /** `host:port` */
  readonly node: string;
  /** below the folder of logs */
  readonly file: string;
  readonly lines: readonly string[];
  readonly problem: string | null;
}

/** Searches the files below `folder` of the node called `node`. @throws PATTERN_UNUSABLE */
export async function* searchFolder(
  folder: string,
  { node, pattern }: { readonly node: string; readonly pattern: string },
  signal?: AbortSignal,
): AsyncGenerator<FoundLines> {
  const matching = matcher(pattern);
  let left = FOUND_MAX;
  for (const path of await filesBelow(folder)) {
    const file = relative(folder, path);
    for await (const piece of piecesOf(path)) {
      if (signal?.aborted) return;
      const lines = matching(piece).slice(0, left);
      left -= lines.length;
      if (lines.length > 0) yield { node, file, lines, problem: null };
      if (left > 0) continue;
      const problem = `the search ended after ${FOUND_MAX} lines; narrow the pattern`;
      yield { node, file, lines: [], problem };
      return;
    }
  }
}

/** Gives those of some lines that match (S2). @throws PATTERN_UNUSABLE */
function matcher(pattern: string): (lines: readonly string[]) => string[] {
  const unusable = (error: unknown): Error =>
    fault('PATTERN_UNUSABLE', { pattern, reason: reasonOf(error) }, error);
  const context = createContext({ pattern, lines: [] as readonly string[] });
  try {
    new Script('globalThis.expression = new RegExp(pattern, "u")').runInContext(context);
  } catch (error) {
    throw unusable(error);
  }
  const script = new Script('lines.filter((line) => expression.test(line))');
  return (lines) => {
    context.lines = lines;
    try {
      return [...script.runInContext(context, { timeout: MATCH_MS_MAX })];
    } catch (error) {
      throw unusable(error);
    }
  };
}

/** The files below `folder`, older parts of a log before newer ones. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const partOf = (path: string): number => Number(/\.(\d+)$/.exec(path)?.[1] ?? 0);
  const logOf = (path: string): string => path.replace(/\.\d+$/, '');
  return files
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((a, b) => (logOf(a) === logOf(b) ? partOf(b) - partOf(a) : logOf(a) < logOf(b) ? -1 : 1));
}

/** The lines of a file, some at a time (S1). A file that was rotated away has none. */
async function* piecesOf(path: string): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let piece: string[] = [];
  let rest = '';
  try {
    for await (const bytes of createReadStream(path)) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n/);
      // What is cut off the end of a long line is not missed: nothing behind the limit is looked at.
      rest = (lines.pop() ?? '').slice(0, LINE_CHARS_MAX);
      for (const line of lines) {
        piece.push(line.slice(0, LINE_CHARS_MAX));
        if (piece.length < PIECE_LINES) continue;
        yield piece;
        piece = [];
      }
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (rest !== '') piece.push(rest);
  if (piece.length > 0) yield piece;
}
