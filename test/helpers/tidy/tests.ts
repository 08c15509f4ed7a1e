/** What tests may be called, that none is switched off, and the failpoints they can use. */
import { lineAt, matchesIn, type Source, stringAt, type Verdict } from './source.ts';

const TEST_CALL = /(?<![.\w])test(?:\.serial)?\s*(?:<[^>()]*>)?\(\s*(['"`])/g;

/** A title belongs to one test of the whole suite. Titles with `${` in them are ava's to check. */
export function checkTitles(files: readonly Source[]): Verdict {
  const seen = new Map<string, string>();
  const problems: string[] = [];
  for (const source of files) {
    for (const { match, place } of matchesIn(source, TEST_CALL)) {
      const title = stringAt(source, match.index + match[0].length - 1);
      if (title.includes('${')) continue;
      const other = seen.get(title);
      if (other !== undefined)
        problems.push(`${place}: ${JSON.stringify(title)} is the title at ${other}`);
      seen.set(title, place);
    }
  }
  return { checked: seen.size, problems };
}

const SWITCHED_OFF = /\btest(?:\.serial)?\.(?:skip|only|failing|todo)\b|\bt\.skip\b|\.skip\s*\(/g;

/** A test that cannot run says why (test/helpers/skip.ts); no other test is left out. */
export function checkSkips(files: readonly Source[]): Verdict {
  const problems = files.flatMap((source) =>
    matchesIn(source, SWITCHED_OFF).map(
      ({ match, place }) =>
        `${place}: ${match[0]} is banned; use testUnless of test/helpers/skip.ts`,
    ),
  );
  return { checked: files.length, problems };
}

export interface Failpoint {
  readonly name: string;
  readonly place: string;
}

const FAILPOINT = /(?<!function )\bfailpoint\s*\(\s*(['"]?)|\bfailpointName:\s*(['"])/g;
/** Who takes a name as this option passes it on; the literal stands where the option is given. */
const TAKES_NAME = /\bfailpointName\b/;

/** The failpoints of src, and the calls whose name is neither a literal nor a `failpointName`. */
export function findFailpoints(files: readonly Source[]): {
  readonly named: readonly Failpoint[];
  readonly unnamed: readonly string[];
} {
  const named: Failpoint[] = [];
  const unnamed: string[] = [];
  for (const source of files) {
    for (const { match } of matchesIn(source, FAILPOINT)) {
      const place = `${source.path}:${lineAt(source.code, match.index)}`;
      if (match[1] === '') {
        if (!TAKES_NAME.test(source.code)) unnamed.push(place);
        continue;
      }
      named.push({ name: stringAt(source, match.index + match[0].length - 1), place });
    }
  }
  return { named, unnamed };
}

/** A failpoint has one name, in kebab words with a dot after its folder, at one place. */
export function checkFailpoints(files: readonly Source[]): Verdict {
  const { named, unnamed } = findFailpoints(files);
  const problems = unnamed.map((place) => `${place}: the name of a failpoint must be a literal`);
  const places = new Map<string, string>();
  for (const { name, place } of named) {
    const other = places.get(name);
    if (other !== undefined) problems.push(`${place}: failpoint ${name} stands at ${other} too`);
    if (!/^[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) {
      problems.push(`${place}: failpoint ${name} is not named like task.before-log`);
    }
    places.set(name, place);
  }
  return { checked: named.length, problems };
}
