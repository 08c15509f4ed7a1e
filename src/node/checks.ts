/** What must hold before a job is accepted, so that a mistake leaves nothing behind. */
import { access, constants, open, rm, stat, unlink } from 'node:fs/promises';
import { fault, isFault, reasonOf } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import { formatLocation, type JobSpec, type Location } from '../plan/index.ts';
import { locate } from '../worker/index.ts';

/** @throws SOURCE_MISSING, SOURCE_UNREADABLE, DESTINATION_IS_SOURCE */
export async function checkSources(spec: JobSpec, fs: FileSystem): Promise<void> {
  const destination = locate(spec, spec.sink.file);
  for (const source of spec.sources) {
    const location = locate(spec, source.file);
    if (location.kind === 'hydfs') await checkStored(location.name, fs);
    else await checkReadable(location.path);
    if (await isSameFile(location, destination)) {
      throw fault('DESTINATION_IS_SOURCE', { file: source.file });
    }
  }
}

async function checkStored(name: string, fs: FileSystem): Promise<void> {
  await fs.stat(name).catch((error: unknown) => {
    if (!isFault(error, 'FILE_MISSING')) throw error;
    throw fault('SOURCE_MISSING', { source: `hydfs:${name}` }, error);
  });
}

/** Also true for one file under two names: replacing the destination would destroy the source. */
async function isSameFile(a: Location, b: Location): Promise<boolean> {
  if (a.kind === 'hydfs' || b.kind === 'hydfs') return formatLocation(a) === formatLocation(b);
  if (a.path === b.path) return true;
  const [one, other] = await Promise.all([a, b].map(({ path }) => stat(path).catch(() => null)));
  return one !== null && other !== null && one.ino === other.ino && one.dev === other.dev;
}

async function checkReadable(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw fault('SOURCE_MISSING', { source: path }, error);
    throw fault('SOURCE_UNREADABLE', { source: path, reason: reasonOf(error) }, error);
  });
  if (!found.isFile()) {
    const reason = found.isDirectory() ? 'it is a directory' : 'it is not a regular file';
    throw fault('SOURCE_UNREADABLE', { source: path, reason });
  }
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw fault('SOURCE_UNREADABLE', { source: path, reason: reasonOf(error) }, error);
  });
}

/** @throws DESTINATION_EXISTS, DESTINATION_UNWRITABLE */
export async function checkDestination(spec: JobSpec, fs: FileSystem): Promise<void> {
  const location = locate(spec, spec.sink.file);
  if (location.kind === 'hydfs') {
    const exists = await fs.stat(location.name).then(
      () => true,
      (error: unknown) => {
        if (isFault(error, 'FILE_MISSING')) return false;
        throw error;
      },
    );
    if (exists) throw fault('DESTINATION_EXISTS', { destination: spec.sink.file });
    return;
  }
  const { path } = location;
  const found = await stat(path).catch(() => null);
  if (found?.isFile() === true) throw fault('DESTINATION_EXISTS', { destination: path });
  if (found !== null) {
    const reason = found.isDirectory() ? 'it is a directory' : 'it is not a regular file';
    throw fault('DESTINATION_UNWRITABLE', { destination: path, reason });
  }
  await tryToMake(path);
}

/** Whether a file can be made there is known best by whoever makes it: it is made, and removed. */
async function tryToMake(path: string): Promise<void> {
  try {
    const handle = await open(path, 'wx');
    await handle.close();
    await unlink(path);
  } catch (error) {
    const dangling = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const reason = dangling ? 'it is a link that leads nowhere' : reasonOf(error);
    throw fault('DESTINATION_UNWRITABLE', { destination: path, reason }, error);
  }
}

/**
 * Removes the destination of an earlier run.
 * @throws DESTINATION_UNWRITABLE
 */
export async function clearDestination(spec: JobSpec, fs: FileSystem): Promise<void> {
  const location = locate(spec, spec.sink.file);
  if (location.kind === 'hydfs') await fs.remove(location.name);
  else {
    await rm(location.path, { force: true }).catch((error: unknown) => {
      const { path: destination } = location;
      throw fault('DESTINATION_UNWRITABLE', { destination, reason: reasonOf(error) }, error);
    });
  }
}
