/**
 * What travels with a job of a cluster: the scripts of its operators and the files beside them.
 *
 *   jobs/<id>/files/<SHA-256>    the bytes of one file
 *   jobs/<id>/package            one manifest a line (JSON); the last line holds
 *
 * Invariants
 *   G1  A file is known by its SHA-256: who submits gives it, who runs checks it.
 *   G2  Paths of a package are relative and stay inside it, whatever a manifest says.
 *   G3  Bytes are there before the manifest names them, and the manifest before the job begins.
 *   G4  What is read is as long as it was said to be, and no package is longer than
 *       `PACKAGE_BYTES_MAX`: nobody's memory is filled by what somebody else has stored.
 *   G5  A move that was broken off by a death is completed by the next one, whatever it left.
 *   G6  A job that goes on may bring other scripts: it has a new manifest then, and the old bytes stay
 *       until the job is forgotten.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { fault, isFault } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import { validateFileName } from '../plan/index.ts';
import type { FileService } from './service.ts';

/** Files of one package. */
export const PACKAGE_FILES_MAX = 512;
/** Bytes of one package: scripts and small models; data belongs into HyDFS. */
export const PACKAGE_BYTES_MAX = 64 * 1024 * 1024;

/** Of all manifests that a job ever had: one of the largest package is a fifth of a mebibyte. */
const MANIFESTS_BYTES_MAX = 16 * 1024 * 1024;

const path = z.string().refine((text) => validateFileName(text) === null); // G2
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const manifestSchema = z.strictObject({
  files: z
    .array(
      z.strictObject({
        path,
        sha256,
        bytes: z.int().nonnegative().max(PACKAGE_BYTES_MAX),
        executable: z.boolean(),
      }),
    )
    .max(PACKAGE_FILES_MAX)
    .refine((files) => bytesOf(files) <= PACKAGE_BYTES_MAX, 'the files are too large together'), // G4
  /** the script of a stage, by its number; stages without one run what every node has */
  scripts: z.record(z.string().regex(/^\d+$/), path),
});

/** The files of a package and which of them are the operators. */
export type PackageManifest = z.infer<typeof manifestSchema>;
export type PackagedFile = PackageManifest['files'][number];

/** A package as it leaves the machine of whoever submits. */
export interface LocalPackage {
  readonly manifest: PackageManifest;
  /** by SHA-256 */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

function bytesOf(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A digest of all files of a package but its scripts, in any order. */
export function digestOf({ files, scripts }: PackageManifest): string {
  const ours = new Set(Object.values(scripts));
  const lines = files.filter((file) => !ours.has(file.path)).map((f) => `${f.sha256} ${f.path}\n`);
  return sha256Of(Buffer.from(lines.sort().join('')));
}

/** The HyDFS name of the file with this SHA-256 in the package of `job`. */
export function packagedName(job: string, sha: string): string {
  return `jobs/${job}/files/${sha}`;
}

function manifestName(job: string): string {
  return `jobs/${job}/package`;
}

/** Puts the bytes of `local` under `job`, which nobody else uses yet (G3). */
export async function storePackage(
  files: Pick<FileService, 'create' | 'append'>,
  job: string,
  local: LocalPackage,
): Promise<void> {
  for (const [sha, bytes] of local.contents) {
    const name = packagedName(job, sha);
    await files.create(name);
    if (bytes.length > 0) await files.append(name, bytes);
  }
}

/** Takes back what `storePackage` has put there, when the job did not come to be. */
export async function unstorePackage(
  files: Pick<FileService, 'remove'>,
  job: string,
  local: LocalPackage,
): Promise<void> {
  for (const sha of local.contents.keys()) {
    await unlessMissing(files.remove(packagedName(job, sha)));
  }
}

/**
 * Makes `manifest` that of `job`; its bytes come from where `from` has put them, which is emptied when
 * that is another job (G3, G6).
 */
export async function adoptPackage(
  fs: FileSystem,
  job: string,
  { from, manifest }: { readonly from: string; readonly manifest: PackageManifest },
): Promise<void> {
  const distinct = new Map(manifest.files.map((file) => [file.sha256, file]));
  if (from !== job) for (const file of distinct.values()) await moveBytes(fs, { file, from, job });
  const line = `${JSON.stringify(manifest)}\n`;
  if ((await lastManifest(fs, job)) === line) return;
  await fs.create(manifestName(job)).catch((error: unknown) => {
    if (!isFault(error, 'FILE_EXISTS')) throw error;
  });
  await fs.append(manifestName(job), Buffer.from(line));
}

async function moveBytes(
  fs: FileSystem,
  { file, from, job }: Readonly<{ file: PackagedFile; from: string; job: string }>,
): Promise<void> {
  const name = packagedName(job, file.sha256);
  if (!(await isWhole(fs, job, file))) {
    const bytes = await packagedBytes(fs, from, file);
    await unlessMissing(fs.remove(name)); // what was broken off (G5)
    await fs.create(name);
    if (bytes.length > 0) await fs.append(name, bytes);
  }
  await unlessMissing(fs.remove(packagedName(from, file.sha256)));
}

async function isWhole(fs: FileSystem, job: string, file: PackagedFile): Promise<boolean> {
  try {
    await packagedBytes(fs, job, file);
    return true;
  } catch (error) {
    if (isFault(error, 'FILE_MISSING') || isFault(error, 'PACKAGE_DAMAGED')) return false;
    throw error;
  }
}

async function unlessMissing(removed: Promise<void>): Promise<void> {
  await removed.catch((error: unknown) => {
    if (!isFault(error, 'FILE_MISSING')) throw error;
  });
}

/** The manifest of `job`; null for a job that brought nothing. @throws PACKAGE_DAMAGED */
export async function readManifest(fs: FileSystem, job: string): Promise<PackageManifest | null> {
  const line = await lastManifest(fs, job);
  if (line === null) return null;
  const parsed = manifestSchema.safeParse(parsedJson(line));
  if (parsed.success) return parsed.data;
  throw fault('PACKAGE_DAMAGED', { job, file: manifestName(job), problem: 'it is no manifest' });
}

function parsedJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null; // no manifest either
  }
}

async function lastManifest(fs: FileSystem, job: string): Promise<string | null> {
  try {
    const name = manifestName(job);
    const { length } = await fs.stat(name);
    if (length > MANIFESTS_BYTES_MAX) {
      const problem = `the manifests have ${length} bytes, more than ${MANIFESTS_BYTES_MAX}`;
      throw fault('PACKAGE_DAMAGED', { job, file: name, problem });
    }
    const text = Buffer.from(await contents(fs, name, length)).toString('utf8');
    const last = text.trimEnd().split('\n').at(-1) ?? '';
    return last === '' ? null : `${last}\n`;
  } catch (error) {
    if (isFault(error, 'FILE_MISSING')) return null;
    throw error;
  }
}

/** The bytes of a packaged file, checked (G1). @throws PACKAGE_DAMAGED */
export async function packagedBytes(
  fs: FileSystem,
  job: string,
  file: PackagedFile,
): Promise<Uint8Array> {
  const damaged = (problem: string): Error =>
    fault('PACKAGE_DAMAGED', { job, file: file.path, problem });
  const name = packagedName(job, file.sha256);
  const { length } = await fs.stat(name);
  if (length !== file.bytes) throw damaged(`it has ${length} bytes in place of ${file.bytes}`); // G4
  const bytes = await contents(fs, name, length);
  if (sha256Of(bytes) === file.sha256) return bytes;
  throw damaged(`its ${bytes.length} bytes do not have the SHA-256 that was submitted`);
}

async function contents(fs: FileSystem, name: string, to: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of fs.read(name, { from: 0, to })) pieces.push(piece);
  return Buffer.concat(pieces);
}
