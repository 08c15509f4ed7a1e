/** `rainstorm fs create | append | ls | stat | rm | store`. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fault, reasonOf } from '../../core/index.ts';
import type { FileInfo } from '../../hydfs/index.ts';
import { APPEND_BYTES_MAX, type Service } from '../../node/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import { humanBytes, humanCount } from '../format/index.ts';
import type { Io } from '../io.ts';
import { momentText, printListing, printResult, type Shown } from './print.ts';
import { ask, REACH_FLAGS } from './reach.ts';

const listColumns: readonly Shown<FileInfo>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'SIZE', align: 'right', cell: ({ length }) => humanBytes(length) },
  { title: 'BYTES', align: 'right', cell: ({ length }) => length },
  { title: 'FILE ID', align: 'right', cell: ({ fileId }) => fileId },
  { title: 'CREATED', cell: ({ createdAt }) => momentText(createdAt) },
];

const storeColumns: readonly Shown<FileInfo>[] = [
  { title: 'FILE ID', align: 'right', cell: ({ fileId }) => fileId },
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'BYTES', align: 'right', cell: ({ length }) => length },
  { title: 'ON', cell: ({ replicas }) => replicas.join(',') },
];

const statColumns: readonly Shown<FileInfo>[] = [
  ...listColumns,
  { title: 'TRIMMED TO', align: 'right', cell: ({ trimmedTo }) => trimmedTo },
  { title: 'WRITERS', align: 'right', cell: ({ writers }) => writers },
  { title: 'ON', cell: ({ replicas }) => replicas.join(',') },
];

async function create(line: CommandLine, io: Io): Promise<ExitCode> {
  const name = line.words[2];
  const info = await ask(line, io, (service) => service.create(name), {
    make: true,
    again: 'refused',
  });
  await printResult(line, io, { text: `created ${name} (file id ${info.fileId})`, json: info });
  return 0;
}

async function remove(line: CommandLine, io: Io): Promise<ExitCode> {
  const name = line.words[2];
  await ask(line, io, (service) => service.remove(name), { again: 'refused' });
  await printResult(line, io, { text: `removed ${name}`, json: { name } });
  return 0;
}

async function statFile(line: CommandLine, io: Io): Promise<ExitCode> {
  const info = await ask(line, io, (service) => service.stat(line.words[2]));
  if (line.flags.json) await printResult(line, io, { text: '', json: info });
  else await printListing(line, io, { rows: [info], columns: statColumns, none: '' });
  return 0;
}

async function list(line: CommandLine, io: Io): Promise<ExitCode> {
  const prefix = line.words[2] ?? '';
  const rows = await ask(line, io, (service) => service.list(prefix));
  const none = prefix === '' ? 'no files here yet' : `no file's name begins with ${prefix}`;
  await printListing(line, io, { rows, columns: listColumns, none });
  return 0;
}

async function store(line: CommandLine, io: Io): Promise<ExitCode> {
  const all = await ask(line, io, (service) => service.list(''));
  const rows = [...all].sort((a, b) => a.fileId - b.fileId || (a.name < b.name ? -1 : 1));
  await printListing(line, io, { rows, columns: storeColumns, none: 'no files are stored here' });
  return 0;
}

async function append(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, , name, local = '-'] = line.words;
  const input = await openInput(local, io);
  const options = { again: 'never' } as const;
  const { bytes, length } = await ask(
    line,
    io,
    (service) => appendAll(service, name, input),
    options,
  );
  const text = `appended ${humanCount(bytes)} bytes to ${name}, which has ${humanCount(length)} now`;
  await printResult(line, io, { text, json: { name, appended: bytes, length } });
  return 0;
}

/** Opened before anything is written, so that a wrong path changes nothing. */
async function openInput(local: string, io: Io): Promise<AsyncIterable<Uint8Array>> {
  if (local === '-') return io.stdin;
  const path = resolve(io.cwd, local);
  const found = await stat(path).catch((error: unknown) => {
    throw fault('SOURCE_UNREADABLE', { source: path, reason: reasonOf(error) }, error);
  });
  if (!found.isFile()) {
    throw fault('SOURCE_UNREADABLE', { source: path, reason: 'it is not a regular file' });
  }
  return createReadStream(path, { highWaterMark: APPEND_BYTES_MAX });
}

async function appendAll(
  service: Service,
  name: string,
  input: AsyncIterable<Uint8Array>,
): Promise<{ bytes: number; length: number }> {
  let { length } = await service.stat(name);
  let bytes = 0;
  for await (const piece of input) {
    length = await service.append(name, piece);
    bytes += piece.length;
  }
  return { bytes, length };
}

export const fsCommands: Readonly<Record<string, Command>> = {
  'fs create': {
    usage: 'fs create NAME',
    summary: 'make an empty file in HyDFS; a name can be created once',
    flags: [...REACH_FLAGS, 'json'],
    words: [1, 1],
    run: create,
  },
  'fs append': {
    usage: 'fs append NAME [LOCAL]',
    summary: 'append a local file, or stdin, to a file in HyDFS',
    help: `LOCAL is a path; without it, or with -, stdin is appended until it ends. Large inputs go in pieces
of 512 KiB, between which appends of others may lie; each piece is durable before the next is read.`,
    flags: [...REACH_FLAGS, 'json'],
    words: [1, 2],
    run: append,
  },
  'fs ls': {
    usage: 'fs ls [PREFIX]',
    summary: 'list files in HyDFS, by the beginning of their names',
    flags: [...REACH_FLAGS, 'json'],
    words: [0, 1],
    run: list,
  },
  'fs store': {
    usage: 'fs store',
    summary: 'list the files that are stored on this machine, by file id (ring point)',
    flags: [...REACH_FLAGS, 'json'],
    words: [0, 0],
    run: store,
  },
  'fs stat': {
    usage: 'fs stat NAME',
    summary: 'size, file id, writers and place of one file',
    flags: [...REACH_FLAGS, 'json'],
    words: [1, 1],
    run: statFile,
  },
  'fs rm': {
    usage: 'fs rm NAME',
    summary: 'remove a file from HyDFS',
    flags: [...REACH_FLAGS, 'json'],
    words: [1, 1],
    run: remove,
  },
};
