/** Calls and type escapes that the code does without. */
import { matchesIn, type Source, type Verdict } from './source.ts';

interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
  /** Beginnings of the paths where it may be used, each for a reason of its own. */
  readonly except: readonly string[];
}

const bans: readonly Ban[] = [
  { pattern: /\bDate\.now\b|\bnew Date\(\s*\)/g, instead: 'take a Clock', except: ['src/core/'] },
  { pattern: /\bMath\.random\b/g, instead: 'take a Random', except: ['src/core/'] },
  {
    pattern: /\brandom(?:Bytes|UUID|Int|FillSync)\s*\(|\bgetRandomValues\b/g,
    instead: 'take a Random',
    except: ['src/core/'],
  },
  {
    pattern: /(?<![\w.#])set(?:Timeout|Interval)\s*\(|\bfrom 'node:timers|\btimers\/promises/g,
    instead: 'take a Clock',
    except: ['src/core/'],
  },
  {
    pattern: /\bperformance\.now\b|\bprocess\.hrtime\b/g,
    instead: 'take a Clock',
    except: ['src/core/'],
  },
  {
    pattern: /\bprocess\.env\b/g,
    instead: 'take what it says as an option',
    // core arms failpoints; the command line reads what the user set; operators get a chosen few.
    except: ['src/core/', 'src/cli/', 'src/main.ts', 'src/node/operators.ts'],
  },
  {
    pattern: /\bconsole\.\w+/g,
    instead: 'take a Logger',
    except: ['src/cli/', 'src/main.ts'],
  },
  { pattern: /\bprocess\.exit\s*\(/g, instead: 'return an exit code', except: ['src/main.ts'] },
];

/** Time, randomness and the environment come in through options. */
export function checkCalls(files: readonly Source[]): Verdict {
  const problems = files.flatMap((source) =>
    bans.flatMap(({ pattern, instead, except }) =>
      except.some((start) => source.path.startsWith(start))
        ? []
        : matchesIn(source, pattern).map(
            ({ match, place }) => `${place}: ${match[0].trim()} is banned here; ${instead}`,
          ),
    ),
  );
  return { checked: files.length * bans.length, problems };
}

/** Ways around the type checker and the linter. */
const escapes: Readonly<Record<string, RegExp>> = {
  any: /[:<|&]\s*any\b(?!\s*[(:])|,\s*any\s*>|\bas any\b/g,
  'non-null !': /[\w$)\]]!(?=[.;,)\]}[\s])(?!\s*=)/g,
  'as unknown as': /\bas unknown as\b/g,
};
const escapeComments: Readonly<Record<string, RegExp>> = {
  'lint suppression': new RegExp(['biome', 'ignore'].join('-'), 'g'),
  'type suppression': new RegExp(`@ts-(?:${['ignore', 'nocheck', 'expect-error'].join('|')})`, 'g'),
};

export type EscapeCounts = Readonly<Record<string, number>>;

/** Every escape, by name, with its places. */
export function findEscapes(files: readonly Source[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const [name, pattern] of Object.entries(escapes)) {
    found.set(
      name,
      files.flatMap((source) => matchesIn(source, pattern).map(({ place }) => place)),
    );
  }
  for (const [name, pattern] of Object.entries(escapeComments)) {
    found.set(
      name,
      files.flatMap(({ path, text }) => (text.match(pattern) ?? []).map(() => path)),
    );
  }
  return found;
}

/** There are never more escapes of a kind than `allowed` says; lower it when one goes away. */
export function checkEscapes(files: readonly Source[], allowed: EscapeCounts): Verdict {
  const problems: string[] = [];
  for (const [name, places] of findEscapes(files)) {
    if (places.length <= (allowed[name] ?? 0)) continue;
    problems.push(
      `${places.length} × ${name}, ${allowed[name] ?? 0} allowed: ${places.join(', ')}`,
    );
  }
  return { checked: files.length, problems };
}
