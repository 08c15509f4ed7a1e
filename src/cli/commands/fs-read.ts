/** `rainstorm fs get | cat | tail`: bytes out of HyDFS, in pieces, never a whole file in memory. */
import { type FileHandle, link, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BatchedWriter, fault, isFault, reasonOf } from '../../core/index.ts';
import type { Service } from '../../node/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import { humanCount } from '../format/index.ts';
import { type Io, write } from '../io.ts';
import { printResult } from './print.ts';
import { ask, REACH_FLAGS } from './reach.ts';

/** Lines that `fs tail` shows before it follows. */
const TAIL_LINES = 10;
/** The end of a file is searched for lines in steps of this many bytes. */
const STEP_BYTES = 64 * 1024;
const NEWLINE = 10;

async function cat(line: CommandLine, io: Io): Promise<ExitCode> {
  const { to } = line.flags;
  const from = fromByte(line);
  if (from !== undefined && to !== undefined && from > to) {
    throw fault('USAGE', { problem: `--from ${from} is behind --to ${to}` });
  }
  const body = async (service: Service): Promise<void> => {
    for await (const piece of service.read(line.words[2], from, to)) {
      if (io.closed.aborted) return;
      await write(io.stdout, piece);
    }
  };
  await ask(line, io, body, { again: 'never' });
  return 0;
}

async function tail(line: CommandLine, io: Io): Promise<ExitCode> {
  const interrupted = new AbortController();
  const off = io.onInterrupt(() => interrupted.abort());
  const signal = AbortSignal.any([interrupted.signal, io.closed]);
  try {
    await ask(line, io, (service) => follow(service, line, io, signal), {
      runs: true,
      again: 'never',
    });
  } catch (error) {
    // A remote stream rejects with the signal's own reason; that is the end that was asked for.
    if (!signal.aborted || (isFault(error) && !isFault(error, 'PEER_CLOSED'))) throw error;
  } finally {
    off();
  }
  return 0;
}

async function follow(
  service: Service,
  line: CommandLine,
  io: Io,
  signal: AbortSignal,
): Promise<void> {
  const name = line.words[2];
  const { lines } = line.flags;
  const from = fromByte(line);
  const start = from ?? (await startOfLines(service, name, lines ?? TAIL_LINES));
  for await (const piece of service.tail(name, start, signal)) await write(io.stdout, piece);
}

/** @throws USAGE unless --from is a whole number */
function fromByte({ flags: { from } }: CommandLine): number | undefined {
  if (from === undefined) return undefined;
  if (!/^\d{1,15}$/.test(from)) throw fault('USAGE', { problem: '--from takes a whole number' });
  return Number(from);
}

/** Where the last `count` lines of a file begin. */
async function startOfLines(service: Service, name: string, count: number): Promise<number> {
  const { length, trimmedTo } = await service.stat(name);
  if (count === 0) return length;
  let missing = count;
  for (let end = length; end > trimmedTo; ) {
    const start = Math.max(trimmedTo, end - STEP_BYTES);
    const bytes = await bytesOf(service, name, start, end);
    // The newline at the very end of the file ends the last line, it begins none.
    for (let at = end === length ? bytes.length - 2 : bytes.length - 1; at >= 0; at--) {
      if (bytes[at] !== NEWLINE) continue;
      missing -= 1;
      if (missing === 0) return start + at + 1;
    }
    end = start;
  }
  return trimmedTo;
}

async function bytesOf(service: Service, name: string, from: number, to: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of service.read(name, from, to)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function get(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, , name, local = basename(name)] = line.words;
  const { overwrite } = line.flags;
  const path = resolve(io.cwd, local);
  await refuseExisting(path, overwrite);
  const bytes = await ask(line, io, async (service) => {
    await service.stat(name);
    return fetchBytes(service.read(name), io, { path, overwrite });
  });
  const text = `${name} -> ${local} (${humanCount(bytes)} bytes)`;
  await printResult(line, io, { text, json: { name, path, bytes } });
  return 0;
}

/** @throws DESTINATION_EXISTS, DESTINATION_UNWRITABLE */
export async function refuseExisting(path: string, overwrite: boolean): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) {
    throw fault('DESTINATION_UNWRITABLE', { destination: path, reason: 'it is a directory' });
  }
  if (found !== null && !overwrite) throw fault('DESTINATION_EXISTS', { destination: path });
}

/** Fetches into a file beside `path`, which takes its name only when it is complete. */
export async function fetchBytes(
  pieces: AsyncIterable<Uint8Array>,
  io: Io,
  { path, overwrite }: { path: string; overwrite: boolean },
): Promise<number> {
  const draft = join(dirname(path), `.${basename(path)}.rainstorm-${process.pid}`);
  const handle = await open(draft, 'wx').catch((error: unknown) => unwritable(path, error));
  const interrupted = new AbortController();
  const off = io.onInterrupt(() => interrupted.abort());
  try {
    const bytes = await copyInto(handle, pieces, interrupted.signal, path);
    if (overwrite) await rename(draft, path);
    else await link(draft, path);
    return bytes;
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw taken ? fault('DESTINATION_EXISTS', { destination: path }, error) : error;
  } finally {
    off();
    await rm(draft, { force: true });
  }
}

async function copyInto(
  handle: FileHandle,
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  path: string,
): Promise<number> {
  const writer = new BatchedWriter(handle);
  try {
    for await (const piece of pieces) {
      if (signal.aborted) throw fault('INTERRUPTED', { doing: `fetching ${path}` });
      await writer.write(piece).catch((error) => unwritable(path, error));
    }
    await writer.end().catch((error) => unwritable(path, error));
    await handle.sync();
    return writer.bytes;
  } finally {
    await handle.close();
  }
}

function unwritable(path: string, error: unknown): never {
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw fault('DISK_FULL', { path }, error);
  throw fault('DESTINATION_UNWRITABLE', { destination: path, reason: reasonOf(error) }, error);
}

export const fsReadCommands: Readonly<Record<string, Command>> = {
  'fs get': {
    usage: 'fs get NAME [LOCAL]',
    summary: 'copy a file from HyDFS to a local path',
    help: `LOCAL is the last part of NAME unless given. The local file appears when it is complete, never half.`,
    flags: [...REACH_FLAGS, 'overwrite', 'json'],
    words: [1, 2],
    run: get,
  },
  'fs cat': {
    usage: 'fs cat NAME',
    summary: 'print a file, or the bytes from --from up to --to',
    flags: [...REACH_FLAGS, 'from', 'to'],
    words: [1, 1],
    run: cat,
  },
  'fs tail': {
    usage: 'fs tail NAME',
    summary: 'print the end of a file and then what is appended to it, until Ctrl-C',
    help: `Begins with the last 10 lines, or with --lines N (0: only what is new), or at byte --from.`,
    flags: [...REACH_FLAGS, 'from', 'lines'],
    words: [1, 1],
    run: tail,
  },
};
