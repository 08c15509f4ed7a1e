/**
 * Puts the grammar together from the comments above the code, so that there is one text of it.
 *
 *   const cddl = assembleGrammar();        // what rainstorm.cddl has to be
 *   const rules = rulesOf(cddl);           // name -> lines
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const WIRE = join(import.meta.dirname, '../src/wire');
const STORED = join(import.meta.dirname, 'stored.cddl');
const FENCE = /^ \* ```cddl\n([\s\S]*?)^ \* ```$/gm;
const HEAD = `; The protocol of RainStorm: what nodes say to each other and what tasks write down.
; Made from the comments in src/wire by native-proto/generate.ts; change it there.
;
; frame = length (u32, big endian, of the payload) | payload, which is one \`message\`
; Limits: 1 MiB of payload, 32 MiB + 64 KiB for \`data\` and messages named \`-data\` (1 MiB beside
; their data), 4 KiB before the handshake is done; depth 16; 65,536 items. No indefinite lengths, no
; tags, no integers above 2^53 - 1; key 0 comes first, and the message number is written in its
; shortest form.
`;

/** The whole grammar. */
export function assembleGrammar(): string {
  const fields = fencedIn(join(WIRE, 'fields.ts'));
  const folder = join(WIRE, 'messages');
  const messages = readdirSync(folder)
    .flatMap((name) => fencedIn(join(folder, name)))
    .sort((a, b) => numberIn(a) - numberIn(b));
  const choice = `message = ${messages.map(ruleName).join(' /\n          ')}`;
  const stored = readFileSync(STORED, 'utf8').trimEnd();
  return `${[HEAD, choice, ...fields, ...messages, stored].join('\n\n').replace('\n\n\n', '\n\n')}\n`;
}

/** The rules of a grammar by name, comments included. */
export function rulesOf(cddl: string): Map<string, string> {
  const starts = [...cddl.matchAll(/^([a-z][a-z0-9-]*) = /gm)];
  return new Map(
    starts.map((start, i) => [start[1], cddl.slice(start.index, starts[i + 1]?.index)]),
  );
}

/** The message number that a rule fixes as its key 0, or NaN. */
export function numberIn(rule: string): number {
  return Number(rule.match(/^ {2}0: (\d+),$/m)?.[1]);
}

/** The names in a rule's comments of its fields, in order. */
export function fieldNamesIn(rule: string): string[] {
  return [...rule.matchAll(/^ {2}[1-9]\d*: .*?, *; (\w+)/gm)].map(([, name]) => name);
}

function ruleName(rule: string): string {
  return rule.slice(0, rule.indexOf(' '));
}

function fencedIn(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(FENCE)].map(([, body]) => body.replace(/^ \* ?/gm, '').trimEnd());
}
