/** What must hold before a job is accepted, so that a mistake leaves nothing behind. */
import { access, constants, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fault, isFault, reasonOf } from '../core/index.ts';
import type { FileSystem } from '../hydfs/index.ts';
import type { JobSpec } from '../plan/index.ts';
import { locate } from '../worker/index.ts';

/** @throws SOURCE_MISSING, SOURCE_UNREADABLE, DESTINATION_IS_SOURCE */
export async function checkSources(spec: JobSpec, fs: FileSystem): Promise<void> {
  const destination = locate(spec, spec.sink.file);
  for (const source of spec.sources) {
    const location = locate(spec, source.file);
    if (location.kind === 'hydfs') await fs.stat(location.name);
    else await checkReadable(location.path);
    const same =
      location.kind === 'hydfs'
        ? destination.kind === 'hydfs' && destination.name === location.name
        : destination.kind === 'local' && destination.path === location.path;
    if (same) throw fault('DESTINATION_IS_SOURCE', { file: source.file });
  }
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
  const found = await stat(location.path).catch(() => null);
  if (found?.isFile() === true) {
    throw fault('DESTINATION_EXISTS', { destination: location.path });
  }
  if (found !== null) {
    const reason = found.isDirectory() ? 'it is a directory' : 'it is not a regular file';
    throw fault('DESTINATION_UNWRITABLE', { destination: location.path, reason });
  }
  await access(dirname(location.path), constants.W_OK).catch((error: unknown) => {
    const reason = reasonOf(error);
    throw fault('DESTINATION_UNWRITABLE', { destination: location.path, reason }, error);
  });
}

/** Removes the destination of an earlier run. */
export async function clearDestination(spec: JobSpec, fs: FileSystem): Promise<void> {
  const location = locate(spec, spec.sink.file);
  if (location.kind === 'hydfs') await fs.remove(location.name);
  else await rm(location.path, { force: true });
}
