/**
 * The program as one bundled file, which starts several times faster than the tree, and variants of
 * it with a guard taken out.
 *
 * 1. A variant is a copy of `src` with texts replaced. A text that is not there exactly once is a
 *    failure of the test, so a plant cannot silently stop being planted.
 * 2. Nothing in `src` knows of this: no switch, no option, no environment variable.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../scripts/packaging/bundle.mjs';
import { embeddedTexts } from '../../scripts/packaging/embedded-texts.mjs';
import { projectRoot } from '../helpers/processes.ts';

const NODE_MAJOR = 24;

/** One text of one file of `src`, and what stands there instead. */
export interface Patch {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A way to start the program. */
export interface Program {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Builds programs into one folder, which `close` removes. */
export class Workshop {
  readonly #dir = mkdtempSync(join(tmpdir(), 'rainstorm-crash-'));
  #built = 0;

  /** The program with `patches`; as it is when there are none. */
  async build(patches: readonly Patch[] = []): Promise<Program> {
    const executable = process.env.RAINSTORM_BIN ?? '';
    if (patches.length === 0 && executable !== '') return { command: [executable], env: {} };
    this.#built += 1;
    const place = join(this.#dir, String(this.#built));
    const src = patches.length === 0 ? join(projectRoot, 'src') : this.#patched(place, patches);
    const main = `${place}.cjs`;
    writeFileSync(main, await bundle(join(src, 'main.ts'), embeddedTexts(), NODE_MAJOR));
    const cache = join(this.#dir, 'cache');
    return { command: [process.execPath, main], env: { NODE_COMPILE_CACHE: cache } };
  }

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #patched(place: string, patches: readonly Patch[]): string {
    const src = join(place, 'src');
    cpSync(join(projectRoot, 'src'), src, { recursive: true });
    symlinkSync(join(projectRoot, 'node_modules'), join(place, 'node_modules'));
    writeFileSync(join(place, 'package.json'), readFileSync(join(projectRoot, 'package.json')));
    for (const { file, from, to } of patches) {
      const path = join(src, file);
      const pieces = readFileSync(path, 'utf8').split(from);
      if (pieces.length !== 2) {
        const times = pieces.length - 1;
        throw new Error(`src/${file} has ${times} times, not once: ${from}`);
      }
      writeFileSync(path, pieces.join(to));
    }
    return src;
  }
}

/** Limits so small that a short job has many batches, and rolls, checkpoints and trims all the time. */
export const smallLimits: readonly Patch[] = [
  {
    file: 'worker/commit-log.ts',
    from: 'CHECKPOINT_BYTES = 8 * 1024 * 1024',
    to: 'CHECKPOINT_BYTES = 96 * 1024',
  },
  {
    file: 'worker/commit-log.ts',
    from: 'CHECKPOINT_RECORDS = 1024',
    to: 'CHECKPOINT_RECORDS = 5',
  },
  { file: 'worker/kept-file.ts', from: 'PART_RECORDS = 1024', to: 'PART_RECORDS = 3' },
  { file: 'worker/kept-file.ts', from: 'WORTH = 4', to: 'WORTH = 1' },
  {
    file: 'worker/source-task.ts',
    from: 'POSITION_BYTES = 4 * 1024 * 1024',
    to: 'POSITION_BYTES = 64 * 1024',
  },
  {
    file: 'worker/inbox.ts',
    from: 'BATCH_BYTES = 4 * BLOCK_BYTES;',
    to: 'BATCH_BYTES = 32 * 1024;',
  },
  {
    file: 'hydfs/local-file-system.ts',
    from: "const { disk, sync = 'group', segmentBytes, log,",
    to: "const { disk, sync = 'group', segmentBytes = 64 * 1024, log,",
  },
];
