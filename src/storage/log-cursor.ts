import { fault } from '../core/index.ts';
import { type Disk, type DiskFile, errorCode } from './disk.ts';
import { diskFault } from './disk-fault.ts';
import type { Progress } from './progress.ts';
import type { Segment } from './segment.ts';
import { type ScannedEntry, SegmentScan } from './segment-scan.ts';

export interface CursorOptions {
  readonly disk: Disk;
  readonly dir: string;
  /** The log's own list, which grows at the end and is trimmed at the front meanwhile. */
  readonly segments: readonly Segment[];
  readonly progress: Progress;
}

interface OpenSegment {
  readonly segment: Segment;
  readonly file: DiskFile;
  readonly scan: SegmentScan;
  /** Entries still to be passed over, the header entry among them. */
  skip: number;
}

/** A reader's place in a log. It never passes what is durable. */
export class LogCursor {
  /** The index of the entry that comes next. */
  index: number;
  readonly #options: CursorOptions;
  #open: OpenSegment | null = null;

  constructor(options: CursorOptions, index: number) {
    this.#options = options;
    this.index = index;
  }

  /** Some of the next entries, the first of them with `index` as it was; null when caught up. */
  async next(): Promise<readonly ScannedEntry[] | null> {
    while (this.index < this.#options.progress.durableIndex) {
      this.#open ??= await this.#openAt(this.index);
      const open = this.#open;
      const found = await scanSome(open);
      open.skip -= found.skipped;
      if (open.scan.invalid) throw corrupt(open, 'an entry does not fit its checksum');
      if (found.entries.length > 0) {
        this.index += found.entries.length;
        return found.entries;
      }
      if (open.skip > 0 || !this.#leadsOn(open.segment)) {
        throw corrupt(open, 'entries are missing at its end');
      }
      await this.close();
    }
    return null;
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    await open?.file.close();
  }

  /** True when the segment after `segment` begins with the next entry, or was trimmed meanwhile. */
  #leadsOn(segment: Segment): boolean {
    const { segments } = this.#options;
    const after = segments.at(segments.indexOf(segment) + 1);
    return this.index < segments[0].firstIndex || after?.firstIndex === this.index;
  }

  async #openAt(index: number): Promise<OpenSegment> {
    const { disk } = this.#options;
    const segment = this.#options.segments.findLast((each) => each.firstIndex <= index);
    if (segment === undefined) throw this.#trimmed(index);
    let file: DiskFile | null = null;
    try {
      file = await disk.open(segment.path, 'read');
      if (segment.durableEnd < 0) segment.durableEnd = await file.size();
    } catch (error) {
      await file?.close();
      if (errorCode(error) === 'ENOENT' && !this.#options.segments.includes(segment)) {
        throw this.#trimmed(index);
      }
      throw diskFault(error, 'reading', segment.path);
    }
    const scan = new SegmentScan(file, { salt: segment.salt, position: 0 });
    return { segment, file, scan, skip: 1 + index - segment.firstIndex };
  }

  #trimmed(index: number): Error {
    const { dir, segments, progress } = this.#options;
    const first = segments.at(0)?.firstIndex ?? progress.durableIndex;
    return fault('LOG_TRIMMED', { index, path: dir, first });
  }
}

async function scanSome(
  open: OpenSegment,
): Promise<{ entries: readonly ScannedEntry[]; skipped: number }> {
  try {
    return await open.scan.next(open.segment.durableEnd, open.skip);
  } catch (error) {
    throw diskFault(error, 'reading', open.segment.path);
  }
}

function corrupt(open: OpenSegment, reason: string): Error {
  const { segment, scan } = open;
  return fault('LOG_CORRUPT', { path: segment.path, offset: scan.position, reason });
}
