/** Entries as they travel: `[term, type, data]`, the index is told by their place. */
import { present } from '../core/index.ts';
import type { LogAppend } from '../wire/index.ts';
import type { Entry, EntryType } from './types.ts';

const types: readonly EntryType[] = ['empty', 'command', 'members'];

export function wireType(type: EntryType): number {
  return types.indexOf(type);
}

export function entryType(number: number): EntryType {
  return present(types[number], 'the schema bounds the type of an entry');
}

/** The entries of `message`; their data is copied, so that they do not keep the frame. */
export function entriesOf({ prevIndex, entries }: LogAppend): Entry[] {
  return entries.map(([term, type, data], i) => ({
    index: prevIndex + 1 + i,
    term,
    type: entryType(type),
    data: Uint8Array.from(data),
  }));
}
