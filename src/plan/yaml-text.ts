/**
 * The `yaml` library, used in this one place: a text becomes a plain value, and any key path of that
 * value can be found again in the text.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { reasonOf } from '../core/index.ts';
import type { KeyPath } from './job-problems.ts';

/** How often anchors may be used in all; more is taken for an attack or an accident. */
const ALIASES_MAX = 100;

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface YamlMistake extends Place {
  readonly says: string;
}

/** A text that was read as YAML. */
export interface YamlText {
  /** True when the text is not YAML and `value` means nothing. */
  readonly broken: boolean;
  readonly mistakes: readonly YamlMistake[];
  readonly value: unknown;
  /** Where `path` is written, or the nearest thing around it; with `key`, where that key of it is. */
  placeOf(path: KeyPath, key?: string): Place;
}

/** Reads `text` as one YAML 1.2 document; never throws for what is written in it. */
export function openYaml(text: string): YamlText {
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const broken = (mistakes: YamlMistake[]): YamlText => {
    return { broken: true, mistakes, value: null, placeOf: () => placeAt(0) };
  };
  try {
    const document = read(text, lines);
    const errors = [...document.errors, ...document.warnings];
    if (errors.length > 0) {
      return broken(errors.map((e) => ({ ...placeAt(e.pos[0]), says: plainWords(e) })));
    }
    const aliases = aliasMistakes(document, placeAt);
    if (aliases.length > 0) return broken(aliases);
    const { contents } = document;
    const empty = contents === null || (isScalar(contents) && contents.value === null);
    if (empty) return broken([{ ...placeAt(0), says: EMPTY }]);
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    const placeOf = (path: KeyPath, key?: string): Place => placeAt(offsetOf(document, path, key));
    return { broken: false, mistakes: repeatedKeys(document, placeAt), value, placeOf };
  } catch (error) {
    return broken([
      { line: 1, column: 1, says: plainWords({ code: '', message: reasonOf(error) }) },
    ]);
  }
}

const EMPTY = 'the file is empty; a job has at least the keys sources, stages and sink';

function read(text: string, lineCounter: LineCounter): Document.Parsed {
  return parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: true,
    logLevel: 'error',
    version: '1.2',
  });
}

function plainWords(error: { code: string; message: string }): string {
  if (/call stack/.test(error.message)) return 'this is nested too deeply';
  if (error.code === 'TAB_AS_INDENT') return 'a tab cannot indent in YAML; use spaces';
  if (error.code === 'MULTIPLE_DOCS') return "a second document begins here; remove the '---'";
  if (error.code === 'TAG_RESOLVE_FAILED') return `${error.message}; remove the tag`;
  if (error.code === 'NON_STRING_KEY') return 'a key must be plain text';
  return `this is not valid YAML: ${error.message}`;
}

/** Aliases of nothing, and too many of them. */
function aliasMistakes(document: Document.Parsed, placeAt: (at: number) => Place): YamlMistake[] {
  const mistakes: YamlMistake[] = [];
  let count = 0;
  visit(document, {
    Alias(_, alias) {
      count += 1;
      const place = placeAt(alias.range?.[0] ?? 0);
      if (count > ALIASES_MAX) {
        mistakes.push({ ...place, says: `more than ${ALIASES_MAX} aliases; write some out` });
        return visit.BREAK;
      }
      if (alias.resolve(document) === undefined) {
        mistakes.push({ ...place, says: `the anchor &${alias.source} is not set before this` });
      }
    },
  });
  return mistakes;
}

/** Keys written twice in one map. (The library's own check takes quadratic time.) */
function repeatedKeys(document: Document.Parsed, placeAt: (at: number) => Place): YamlMistake[] {
  const mistakes: YamlMistake[] = [];
  visit(document, {
    Map(_, map) {
      const lines = new Map<string, number>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const place = placeAt(key.range?.[0] ?? 0);
        const first = lines.get(String(key.value));
        if (first === undefined) lines.set(String(key.value), place.line);
        else mistakes.push({ ...place, says: `${key.value} is set twice, first in line ${first}` });
      }
    },
  });
  return mistakes;
}

function offsetOf(document: Document.Parsed, path: KeyPath, key?: string): number {
  let offset = 0;
  let node: unknown = document.contents;
  for (const part of path) {
    offset = rangeStart(node) ?? offset;
    node = childOf(follow(document, node), part);
    if (node === undefined) return offset;
  }
  if (key === undefined) return rangeStart(node) ?? offset;
  return rangeStart(keyNode(follow(document, node), key)) ?? rangeStart(node) ?? offset;
}

function follow(document: Document.Parsed, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function childOf(node: unknown, part: PropertyKey): unknown {
  if (isSeq(node)) return node.items[Number(part)];
  if (!isMap(node)) return undefined;
  const pair = pairsOf(node).get(part);
  return pair === undefined ? undefined : (pair.value ?? pair.key);
}

function keyNode(node: unknown, key: string): unknown {
  return isMap(node) ? pairsOf(node).get(key)?.key : undefined;
}

const pairsByMap = new WeakMap<YAMLMap, ReadonlyMap<unknown, Pair>>();

/** The pairs of `map` by key, made once: a map of many unknown keys is asked for each of them. */
function pairsOf(map: YAMLMap): ReadonlyMap<unknown, Pair> {
  const known = pairsByMap.get(map);
  if (known !== undefined) return known;
  const pairs = new Map(
    map.items.map((pair) => [isScalar(pair.key) ? pair.key.value : null, pair]),
  );
  pairsByMap.set(map, pairs);
  return pairs;
}

function rangeStart(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
