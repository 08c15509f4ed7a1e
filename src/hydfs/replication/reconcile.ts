/**
 * What a new primary does about the copies that it found: a pure decision.
 *
 * Within one configuration all copies of a file are prefixes of one sequence, and an entry that was
 * acknowledged is in each of them, so the longest holds everything that ever was (PacificA, section
 * 2.4). A file that only some replicas have was being created or removed; neither was acknowledged,
 * because both are at every replica before they are. It is kept: bytes cannot be wrong by staying.
 */
import type { FileExtent } from './stored-files.ts';

/** The files of one replica. */
export interface Inventory {
  readonly store: string;
  readonly files: readonly FileExtent[];
}

/** A file whose longest copy is elsewhere. */
export interface Fetch {
  readonly name: string;
  readonly store: string;
  readonly extent: FileExtent;
  /** The first entry that is missing here; null when all of the copy here is to be replaced. */
  readonly from: number | null;
}

/** What the primary lacks, given its own files and those of all other replicas. */
export function missingHere(own: readonly FileExtent[], others: readonly Inventory[]): Fetch[] {
  const here = new Map(own.map((file) => [file.name, file]));
  const best = new Map<string, { store: string; extent: FileExtent }>();
  for (const { store, files } of others) {
    for (const extent of files) {
      const known = best.get(extent.name)?.extent ?? here.get(extent.name);
      if (known === undefined || isMore(extent, known)) best.set(extent.name, { store, extent });
    }
  }
  return [...best].map(([name, { store, extent }]) => {
    const mine = here.get(name);
    const goesOn = mine !== undefined && continues(mine, extent);
    return { name, store, extent, from: goesOn ? mine.nextIndex : null };
  });
}

/** True when `copy` goes on where `have` ends: the same file, and no gap. */
export function continues(have: FileExtent, copy: FileExtent): boolean {
  return have.createdAt === copy.createdAt && have.nextIndex >= copy.firstIndex;
}

/** The longer copy; of two files of one name the younger. */
function isMore(a: FileExtent, b: FileExtent): boolean {
  if (a.createdAt !== b.createdAt) return a.createdAt > b.createdAt;
  return a.nextIndex > b.nextIndex;
}
