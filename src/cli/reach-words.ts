/** Commands that are proposed to people, so that they work as they stand. */
import type { NodeAddresses } from '../node/index.ts';
import { shellCommand } from '../provision/index.ts';

const PLAIN = /^[\w@%+=:,./-]+$/;

/** A line of the shell that runs the program with `words` against `target`, a cluster or its owner. */
export function commandAt(
  { addresses: [address], keyFile }: NodeAddresses,
  data: string,
  words: readonly string[],
): string {
  const where = address.startsWith('unix:') ? ['--data', data] : ['--cluster', address];
  const key = keyFile === null ? [] : ['--key-file', keyFile];
  return ['rainstorm', ...words, ...where, ...key].map(inShell).join(' ');
}

function inShell(word: string): string {
  return PLAIN.test(word) ? word : shellCommand([word]);
}
