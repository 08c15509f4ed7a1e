/**
 * Writes bytes into a file of a host over SFTP, going on where an earlier try has stopped.
 *
 *   U1  The file's name belongs to its bytes (a hash of them), so what is there already is a part of
 *       them, whoever wrote it; two who write at once write the same.
 *   U2  Up to WINDOW_BYTES are under way at once, in order. A try that broke off can have left a hole
 *       only in its last window, so the next one begins that much before the end of the file.
 *   U3  Each write must be answered within STALL_MS.
 *   U4  Nothing here is trusted: the whole is checked by its hash on the far side.
 */
import type { SFTPWrapper } from 'ssh2';
import type { SshSession } from './ssh-session.ts';

const CHUNK_BYTES = 32 * 1024;
export const WINDOW_BYTES = 64 * CHUNK_BYTES;
const STALL_MS = 30_000;

export interface UploadOptions {
  readonly session: SshSession;
  readonly path: string;
  readonly bytes: Uint8Array;
  /** permissions of the file when it is made */
  readonly mode: number;
  /** called with how many bytes are there */
  readonly onBytes?: (done: number) => void;
}

/**
 * Uploads, and resolves with how many bytes did not have to be sent again.
 * @throws SSH_LOST, with the reason when the host refuses to write
 */
export async function upload(options: UploadOptions): Promise<number> {
  const { session, path, mode } = options;
  const sftp = await session.sftp();
  try {
    const handle = await openFile(session, sftp, path, mode);
    const from = await beginning(session, sftp, handle, options.bytes.length);
    await writeAll(sftp, handle, from, options);
    await ask(session, (done) => sftp.close(handle, done));
    return from;
  } finally {
    sftp.end();
  }
}

/** Opens what is there, or makes it. */
async function openFile(
  session: SshSession,
  sftp: SFTPWrapper,
  path: string,
  mode: number,
): Promise<Buffer> {
  const open = (flags: 'r+' | 'w'): Promise<Buffer> =>
    ask(session, (done) => sftp.open(path, flags, mode, done));
  const there = await ask<boolean>(session, (done) =>
    sftp.stat(path, (error) => done(undefined, error === undefined || error === null)),
  );
  return open(there ? 'r+' : 'w');
}

async function beginning(
  session: SshSession,
  sftp: SFTPWrapper,
  handle: Buffer,
  length: number,
): Promise<number> {
  const { size } = await ask<{ size: number }>(session, (done) => sftp.fstat(handle, done));
  if (size <= length) return Math.max(0, size - WINDOW_BYTES);
  await ask<void>(session, (done) => sftp.fsetstat(handle, { size: 0 }, (error) => done(error)));
  return 0;
}

async function writeAll(
  sftp: SFTPWrapper,
  handle: Buffer,
  from: number,
  { session, bytes, onBytes }: UploadOptions,
): Promise<void> {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const under: Promise<void>[] = [];
  let written = from;
  const oldest = async (): Promise<void> => {
    const first = under.shift();
    await session.within(STALL_MS, async () => first);
  };
  for (let at = from; at < data.length; at += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, data.length - at);
    const chunk = new Promise<void>((resolve, reject) => {
      sftp.write(handle, data, at, length, at, (error) => (error ? reject(error) : resolve()));
    }).then(() => {
      written += length;
      onBytes?.(written);
    });
    chunk.catch(() => undefined); // awaited by `oldest`, or given up with the connection
    under.push(chunk);
    if (under.length * CHUNK_BYTES >= WINDOW_BYTES) await oldest();
  }
  while (under.length > 0) await oldest();
}

/** One request that ends with a callback of (error, result). */
function ask<T>(
  session: SshSession,
  request: (done: (error: Error | null | undefined, result?: T) => void) => void,
): Promise<T> {
  return session.within(STALL_MS, () => {
    return new Promise<T>((resolve, reject) => {
      request((error, result) => (error ? reject(error) : resolve(result as T)));
    });
  });
}
