/** The table of faults and the places that use it. */
import { matchesIn, type Source, stringAt, type Verdict } from './source.ts';

interface Row {
  readonly domain: string;
  readonly says: string;
}
type Table = Readonly<Record<string, Row>>;

const TABLE_FILE = 'src/core/fault-table.ts';
const RAISED = /\b(?:fault|isFault|new Fault)\s*\((?:[^()'"]*,\s*)?(['"])/g;
const ANY_STRING = /(['"])[^'"]*\1/g;

/** Every row is used somewhere in src, and every code that is raised has a row. */
export function checkFaultCodes(files: readonly Source[], table: Table): Verdict {
  const users = files.filter(({ path }) => path !== TABLE_FILE);
  const mentioned = new Set(
    users
      .filter(({ path }) => path.startsWith('src/'))
      .flatMap((source) =>
        matchesIn(source, ANY_STRING).map(({ match }) => stringAt(source, match.index)),
      ),
  );
  const unused = Object.keys(table)
    .filter((code) => !mentioned.has(code))
    .map((code) => `${TABLE_FILE}: nothing raises ${code}`);
  const absent = users.flatMap((source) =>
    matchesIn(source, RAISED)
      .map(({ match, place }) => ({
        place,
        code: stringAt(source, match.index + match[0].length - 1),
      }))
      .filter(({ code }) => /^[A-Z][A-Z0-9_]+$/.test(code) && table[code] === undefined)
      .map(({ place, code }) => `${place}: ${code} is not in ${TABLE_FILE}`),
  );
  return { checked: Object.keys(table).length, problems: [...unused, ...absent] };
}

/**
 * What a person is told to do is a verb in the imperative, after a comma, a semicolon or a colon; or
 * a command in backticks; or it is left to a parameter that ends the sentence.
 */
const REMEDY =
  /(?:^|[;:,(]|\b(?:or|and|then|to|please)) ?(?:add|allow|ask|change|check|choose|close|connect|copy|correct|create|delete|drop|end|fix|flush|free|give|install|join|keep|leave|look|lower|make|mend|move|name|open|pass|pick|point|provide|put|quote|raise|read|reduce|remove|rename|repair|replace|restart|restore|retry|run|see|send|set|shorten|split|start|stop|submit|try|turn|update|upgrade|use|wait|write)\b|`|\{problems?\}|\{reason\}$/;

/** A fault is one sentence without a period that says what to do. */
export function checkFaultSentences(table: Table): Verdict {
  const problems: string[] = [];
  for (const [code, { domain, says }] of Object.entries(table)) {
    if (/[.!]\s*$/.test(says)) problems.push(`${code} ends with a period`);
    if (/[.!?]\s+[A-Z]/.test(says)) problems.push(`${code} is more than one sentence`);
    if (domain !== 'internal' && !REMEDY.test(says)) {
      problems.push(`${code} does not say what to do: ${says}`);
    }
  }
  return { checked: Object.keys(table).length, problems };
}
