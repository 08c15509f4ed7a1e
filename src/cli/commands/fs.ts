/** `rainstorm fs create | append | ls | stat | rm | store`. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ahead, fault, isFault, reasonOf } from '../../core/index.ts';
import type { FileInfo } from '../../hydfs/index.ts';
import {
  APPEND_BYTES_MAX,
  APPENDS_AHEAD,
  type FilePlaces,
  type NodePlace,
  type Service,
  type StoredCopy,
} from '../../node/index.ts';
import type { Command, ExitCode } from '../command.ts';
import type { CommandLine } from '../command-line.ts';
import { humanBytes, humanCount } from '../format/index.ts';
import { type Io, write } from '../io.ts';
import { momentText, printListing, printResult, type Shown } from './print.ts';
import { ask, REACH_FLAGS } from './reach.ts';

const listColumns: readonly Shown<FileInfo>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'SIZE', align: 'right', cell: ({ length }) => humanBytes(length) },
  { title: 'BYTES', align: 'right', cell: ({ length }) => length },
  { title: 'FILE ID', align: 'right', cell: ({ fileId }) => fileId },
  { title: 'CREATED', cell: ({ createdAt }) => momentText(createdAt) },
];

const storeColumns: readonly Shown<StoredCopy>[] = [
  { title: 'FILE ID', align: 'right', cell: ({ fileId }) => fileId },
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'BYTES', align: 'right', cell: ({ length }) => length },
];

/** Where there is no cluster. */
const localColumn: Shown<StoredCopy> = { title: 'ON', cell: () => 'local' };

const statColumns: readonly Shown<FileInfo>[] = [
  ...listColumns,
  { title: 'TRIMMED TO', align: 'right', cell: ({ trimmedTo }) => trimmedTo },
  { title: 'WRITERS', align: 'right', cell: ({ writers }) => writers },
  { title: 'ON', cell: ({ replicas }) => replicas.join(',') },
];

async function create(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, , name, local] = line.words;
  const input = local === undefined ? null : await openInput(local, io);
  const options = { make: true, again: input === null ? 'refused' : 'never' } as const;
  const made = await ask(
    line,
    io,
    async (service) => {
      const info = await service.create(name);
      const bytes = input === null ? 0 : (await appendAll(service, name, input)).bytes;
      return { info: { ...info, length: bytes }, places: await service.copies.places(name) };
    },
    options,
  );
  const { info, places } = made;
  const bytes = input === null ? '' : `, ${humanCount(info.length)} bytes`;
  const text = `created ${name} (file id ${info.fileId})${bytes}${atReplicas(places)}`;
  await printResult(line, io, { text, json: { ...info, replicas: addressesOf(info, places) } });
  return 0;
}

/** ` at A, B, C`, and nothing where there is one copy. */
function atReplicas(places: FilePlaces | null): string {
  return places === null ? '' : ` at ${places.replicas.map(({ address }) => address).join(', ')}`;
}

function addressesOf(info: FileInfo, places: FilePlaces | null): readonly string[] {
  return places === null ? info.replicas : places.replicas.map(({ address }) => address);
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
  const found = await ask(line, io, async (service) => {
    const places = prefix === '' ? null : await placesOrNull(service, prefix);
    return { places, rows: places === null ? await service.list(prefix) : [] };
  });
  if (found.places !== null) return printPlaces(line, io, found.places);
  const none = prefix === '' ? 'no files here yet' : `no file's name begins with ${prefix}`;
  await printListing(line, io, { rows: found.rows, columns: listColumns, none });
  return 0;
}

/** Null where there is no such file, or no cluster. */
async function placesOrNull(service: Service, name: string): Promise<FilePlaces | null> {
  try {
    return await service.copies.places(name);
  } catch (error) {
    if (isFault(error, 'FILE_MISSING') || isFault(error, 'INVALID_NAME')) return null;
    throw error;
  }
}

const placeColumns: readonly Shown<NodePlace & { readonly role: string }>[] = [
  { title: 'REPLICA', cell: ({ address }) => address },
  { title: 'RING ID', align: 'right', cell: ({ ringId }) => ringId },
  { title: 'ROLE', cell: ({ role }) => role },
];

async function printPlaces(line: CommandLine, io: Io, places: FilePlaces): Promise<ExitCode> {
  if (line.flags.json) {
    await printResult(line, io, { text: '', json: places });
    return 0;
  }
  await write(io.stdout, `${places.name} (file id ${places.fileId})\n`);
  const rows = places.replicas.map((place, i) => ({
    ...place,
    role: i === 0 ? 'primary' : 'replica',
  }));
  await printListing(line, io, { rows, columns: placeColumns, none: 'nobody holds it yet' });
  return 0;
}

async function store(line: CommandLine, io: Io): Promise<ExitCode> {
  const { files, address, ringId } = await ask(line, io, (service) => service.copies.stored());
  const rows = [...files].sort((a, b) => a.fileId - b.fileId || (a.name < b.name ? -1 : 1));
  if (line.flags.json && ringId !== null) {
    await printResult(line, io, { text: '', json: { address, ringId, files: rows } });
    return 0;
  }
  if (ringId !== null) await write(io.stdout, `${address} (ring id ${ringId})\n`);
  const columns = ringId === null ? [...storeColumns, localColumn] : storeColumns;
  await printListing(line, io, { rows, columns, none: 'no files are stored here' });
  return 0;
}

async function append(line: CommandLine, io: Io): Promise<ExitCode> {
  const [, , name, local = '-'] = line.words;
  const input = await openInput(local, io);
  const body = async (service: Service) => {
    const { bytes, length } = await appendAll(service, name, input);
    return { bytes, length, places: await service.copies.places(name) };
  };
  const { bytes, length, places } = await ask(line, io, body, { again: 'never' });
  const text = `appended ${humanCount(bytes)} bytes to ${name}, which has ${humanCount(length)} now${places === null ? '' : ','}${atReplicas(places)}`;
  const replicas =
    places === null ? {} : { replicas: places.replicas.map(({ address }) => address) };
  await printResult(line, io, { text, json: { name, appended: bytes, length, ...replicas } });
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
  const append = (piece: Uint8Array): Promise<number> => {
    bytes += piece.length;
    return service.append(name, piece);
  };
  for await (const after of ahead(input, APPENDS_AHEAD, append)) length = Math.max(length, after);
  return { bytes, length };
}

export const fsCommands: Readonly<Record<string, Command>> = {
  'fs create': {
    usage: 'fs create NAME [LOCAL]',
    summary:
      'make a file in HyDFS, empty or with the bytes of a local one; a name can be created once',
    flags: [...REACH_FLAGS, 'json'],
    words: [1, 2],
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
    usage: 'fs ls [NAME|PREFIX]',
    summary: 'where a file is: its replicas and their ring ids; or the files whose names begin so',
    flags: [...REACH_FLAGS, 'json'],
    words: [0, 1],
    run: list,
  },
  'fs store': {
    usage: 'fs store',
    summary: 'the ring id of the asked node and the files that it stores, by file id (ring point)',
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
