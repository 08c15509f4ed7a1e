/**
 * What a new primary does about the copies that it found: a pure decision.
 *
 * Within one configuration all copies of a file are prefixes of one sequence, and an entry that was
 * acknowledged is in each of them, so the longest holds everything that ever was (PacificA, section
 * 2.4). A file that only some replicas have was being created or removed; neither was acknowledged,
 * because both are at every replica before they are. It is kept: bytes cannot be wrong by staying.
 *
 * Where the longest cannot be read, the next one will do: it has what was acknowledged as well.
 */
import type { FileExtent } from './stored-files.ts';

/** The files of one replica. */
export interface Inventory {
  readonly store: string;
  readonly files: readonly FileExtent[];
}

/** A copy elsewhere. */
export interface Source {
  readonly store: string;
  readonly extent: FileExtent;
  /** True when all of the copy here is to be replaced; it is not a beginning of the other one. */
  readonly whole: boolean;
}

/** A file of which others have more. */
export interface Fetch {
  readonly name: string;
  /** The copies that are more than the one here, the most first. */
  readonly sources: readonly Source[];
  /** True when there is no copy here. */
  readonly absent: boolean;
}

/** What the primary lacks, given its own files and those of all other replicas. */
export function missingHere(own: readonly FileExtent[], others: readonly Inventory[]): Fetch[] {
  const here = new Map(own.map((file) => [file.name, file]));
  const sources = new Map<string, Source[]>();
  for (const { store, files } of others) {
    for (const extent of files) {
      const mine = here.get(extent.name);
      if (mine !== undefined && !isMore(extent, mine)) continue;
      const known = sources.get(extent.name) ?? [];
      const whole = mine === undefined || !continues(mine, extent);
      sources.set(extent.name, [...known, { store, extent, whole }]);
    }
  }
  return [...sources].map(([name, some]) => {
    const sorted = some.sort((a, b) => (isMore(b.extent, a.extent) ? 1 : -1));
    return { name, sources: sorted, absent: !here.has(name) };
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
