/**
 * The payloads of a file's log.
 *
 *   create:    u8 0, then the token of the creation to the end
 *   open:      u8 1, varint epoch, text writer
 *   append:    u8 2, varint writer id, varint epoch, varint seq, bytes meta, then data to the end
 *   anonymous: u8 3, then data to the end
 *   snapshot (the header of a segment):
 *              u8 2 (format), text name, varint created at (ms), text token of the creation,
 *              varint length, varint writers,
 *              per writer: text name, varint epoch, varint seq, bytes meta
 *              (format 1 has no token)
 *
 * A writer's id is its place in the order of first opens, in the snapshot too, so it never changes.
 */
import { assert, bytesIn, fault, inOnePiece } from '../core/index.ts';
import { ByteReader, ByteWriter, checkForm, Malformed } from './bytes.ts';
import { ANONYMOUS, addWriter, emptyFile, type FileRequest, type FileState } from './file-state.ts';
import type { FileEntry } from './file-system.ts';

const KIND = { create: 0, open: 1, append: 2, anonymous: 3 } as const;
const SNAPSHOT_FORMAT = 2;
/** Written before creations had tokens. */
const SNAPSHOT_WITHOUT_TOKEN = 1;
const NO_META = new Uint8Array(0);
const NO_DATA = new Uint8Array(0);

/** The bytes in front of the data. An append needs the row of its writer in `state`. */
export function encodeRequest(state: FileState, request: FileRequest): Uint8Array {
  const out = new ByteWriter();
  switch (request.kind) {
    case 'create':
      return out.u8(KIND.create).rest(Buffer.from(request.token, 'utf8')).done();
    case 'open':
      return out.u8(KIND.open).varint(request.epoch).text(request.writer).done();
    case 'append': {
      if (request.writer === ANONYMOUS) return out.u8(KIND.anonymous).done();
      const writer = state.writers.get(request.writer);
      assert(writer !== undefined, 'an accepted append has an open writer');
      out.u8(KIND.append).varint(writer.id).varint(request.epoch).varint(request.seq);
      return out.bytes(request.meta).done();
    }
  }
}

/** A logged request and its data, a view on `payload`. @throws Malformed */
export function decodeEntry(
  state: FileState,
  payload: Uint8Array,
): { request: FileRequest; data: Uint8Array } {
  const input = new ByteReader(payload);
  const kind = input.u8();
  if (kind === KIND.create) {
    const token = Buffer.from(input.rest()).toString('utf8');
    return { request: { kind: 'create', token }, data: NO_DATA };
  }
  if (kind === KIND.open) {
    const epoch = input.varint();
    return { request: { kind: 'open', writer: input.text(), epoch }, data: NO_DATA };
  }
  if (kind === KIND.anonymous) {
    const data = input.rest();
    const bytes = data.length;
    const request = { writer: ANONYMOUS, epoch: 0, seq: 0, bytes, meta: NO_META };
    return { request: { kind: 'append', ...request }, data };
  }
  checkForm(kind === KIND.append, 'it is of no known kind');
  return decodeAppend(state, input);
}

function decodeAppend(
  state: FileState,
  input: ByteReader,
): { request: FileRequest; data: Uint8Array } {
  const writer = state.byId.at(input.varint());
  checkForm(writer !== undefined, 'its writer was not opened before');
  const epoch = input.varint();
  const seq = input.varint();
  const meta = input.bytes().slice();
  const data = input.rest();
  const request = { writer: writer.name, epoch, seq, bytes: data.length, meta };
  return { request: { kind: 'append', ...request }, data };
}

/** A logged request, and its data in pieces. */
export interface DecodedEntry {
  readonly request: FileRequest;
  readonly data: readonly Uint8Array[];
}

/** As `decodeEntry`, of a payload in pieces; its data is not copied. @throws Malformed */
export function decodeParts(state: FileState, parts: readonly Uint8Array[]): DecodedEntry {
  if (parts.length > 1) {
    try {
      const { request, data } = decodeEntry(state, parts[0]);
      const pieces = [data, ...parts.slice(1)];
      if (request.kind !== 'append') return { request, data: pieces };
      return { request: { ...request, bytes: bytesIn(pieces) }, data: pieces };
    } catch (error) {
      // what stands before the data may be in several pieces itself
      if (!(error instanceof Malformed)) throw error;
    }
  }
  const { request, data } = decodeEntry(state, inOnePiece(parts));
  return { request, data: [data] };
}

/** `state` as the header of a segment. */
export function encodeSnapshot(state: FileState): Uint8Array {
  const out = new ByteWriter().u8(SNAPSHOT_FORMAT).text(state.name);
  out.varint(state.createdAt).text(state.creation);
  out.varint(state.length).varint(state.byId.length);
  for (const writer of state.byId) {
    out.text(writer.name).varint(writer.epoch).varint(writer.seq).bytes(writer.meta);
  }
  return out.done();
}

/** The state that `encodeSnapshot` wrote. @throws Malformed */
export function decodeSnapshot(bytes: Uint8Array): FileState {
  const input = new ByteReader(bytes);
  const format = formatOf(input);
  const state = emptyFile(input.text(), input.varint());
  if (format !== SNAPSHOT_WITHOUT_TOKEN) state.creation = input.text();
  state.length = input.varint();
  for (let count = input.varint(); count > 0; count--) {
    const name = input.text();
    checkForm(!state.writers.has(name), 'a writer is in it twice');
    const writer = addWriter(state, name);
    writer.epoch = input.varint();
    writer.seq = input.varint();
    writer.meta = input.bytes().slice();
  }
  return state;
}

/** The name alone, without making the writers' rows. @throws Malformed */
export function nameInSnapshot(bytes: Uint8Array): string {
  const input = new ByteReader(bytes);
  formatOf(input);
  return input.text();
}

function formatOf(input: ByteReader): number {
  const format = input.u8();
  const known = format === SNAPSHOT_FORMAT || format === SNAPSHOT_WITHOUT_TOKEN;
  checkForm(known, 'it has no known format');
  return format;
}

/** An entry's index, and the file's length before it. */
export interface Cursor {
  index: number;
  offset: number;
}

/** The entry at `at` as readers see it; null for one that they do not. */
export function toEntry(
  state: FileState,
  at: Readonly<Cursor> & { readonly payload: Uint8Array },
): FileEntry | null {
  const { request, data } = decodeEntry(state, at.payload);
  return entryOf(request, data, at);
}

/** As `toEntry`, of a request. */
export function entryOf(
  request: FileRequest,
  data: Uint8Array,
  at: Readonly<Cursor>,
): FileEntry | null {
  if (request.kind === 'create') return null;
  const { kind, writer, epoch } = request;
  const seq = kind === 'append' ? request.seq : 0;
  const meta = kind === 'append' ? request.meta : NO_META;
  return { kind, index: at.index, offset: at.offset, writer, epoch, seq, meta, data };
}

/** What `decode` makes of bytes of the file in `dir`. @throws LOG_CORRUPT when it cannot */
export function readable<B, T>(dir: string, bytes: B, decode: (bytes: B) => T): T {
  try {
    return decode(bytes);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const reason = `what its checksum covers is not readable (${error.message})`;
    throw fault('LOG_CORRUPT', { path: dir, offset: 0, reason }, error);
  }
}

/** The bytes of `entry` that lie between `from` and `to`. */
export function overlap(entry: FileEntry, from: number, to: number): Uint8Array {
  const { offset, data } = entry;
  if (offset >= from && offset + data.length <= to) return data;
  return data.subarray(Math.max(0, from - offset), Math.max(0, to - offset));
}
