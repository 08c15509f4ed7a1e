/**
 * What a file knows, and what it answers to each request: the pure core of HyDFS.
 *
 * The same rules decide about a new request and check a logged one at replay, so a replica that
 * reads its log arrives where the one that wrote it was. No disk, no clock. The state is changed in
 * place, by `apply` alone.
 *
 * F1 A writer's appends are numbered 1, 2, 3, ...; each number takes effect once. A number at or
 *    below the last one is a repeat, one beyond the next is a gap.
 * F2 Opening a writer with an epoch is itself an entry. From then on requests with a lower epoch are
 *    fenced, whoever sends them and whenever they arrive. Epochs never fall.
 * F3 An append needs an epoch that was opened.
 * F4 Anonymous appends (writer '') have no number and are never dropped; only a person at a command
 *    line uses them.
 * F5 A writer keeps its row for as long as the file lives: dedup does not expire.
 * F6 A file keeps the token of its creation for as long as it lives, so whoever has it knows a
 *    repeat of that creation from another one.
 */
import { assert } from '../core/index.ts';

export const ANONYMOUS = '';

export interface WriterState {
  readonly id: number;
  readonly name: string;
  epoch: number;
  /** The number of its last append, 0 before the first. */
  seq: number;
  /** What its last append said about itself; opaque here. */
  meta: Uint8Array;
  /** The log index of its last entry, -1 when that lies before what was replayed. */
  lastIndex: number;
}

export interface FileState {
  readonly name: string;
  readonly createdAt: number;
  /** The token of the creation that made it; empty for one without. */
  creation: string;
  /** Logical data bytes. */
  length: number;
  readonly writers: Map<string, WriterState>;
  /** The same rows by `id`. */
  readonly byId: WriterState[];
}

export type FileRequest =
  | { readonly kind: 'create'; readonly token: string }
  | { readonly kind: 'open'; readonly writer: string; readonly epoch: number }
  | AppendRequest;

export interface AppendRequest {
  readonly kind: 'append';
  readonly writer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly bytes: number;
  readonly meta: Uint8Array;
}

/** `logged`: the request is to be appended and applied; all others have no effect. */
export type Outcome =
  | { readonly kind: 'logged' }
  | { readonly kind: 'repeat'; readonly index: number }
  | { readonly kind: 'fenced'; readonly newest: number }
  | { readonly kind: 'gap'; readonly expected: number }
  | { readonly kind: 'not-open'; readonly newest: number };

export interface FileCore {
  /** What becomes of `request`; the state is only looked at. */
  decide(state: FileState, request: FileRequest): Outcome;
  /** The effect of a request that was decided `logged`, as entry `index`. */
  apply(state: FileState, request: FileRequest, index: number): void;
}

const LOGGED: Outcome = { kind: 'logged' };
const NO_META = new Uint8Array(0);

/** The rules F1 to F6. */
export const fileCore: FileCore = {
  decide(state, request) {
    if (request.kind === 'create') return LOGGED;
    assert(request.kind === 'append' || request.writer !== ANONYMOUS, 'F4: nobody opens it');
    if (request.writer === ANONYMOUS) return LOGGED;
    const writer = state.writers.get(request.writer);
    if (request.kind === 'open') return decideOpen(writer, request.epoch);
    return writer === undefined
      ? { kind: 'not-open', newest: 0 }
      : decideAppend(writer, request.epoch, request.seq);
  },

  apply(state, request, index) {
    if (request.kind === 'create') {
      state.creation = request.token;
      return;
    }
    if (request.kind === 'append') state.length += request.bytes;
    if (request.writer === ANONYMOUS) return;
    const writer = state.writers.get(request.writer) ?? addWriter(state, request.writer);
    writer.lastIndex = index;
    writer.epoch = request.epoch;
    if (request.kind === 'open') return;
    writer.seq = request.seq;
    writer.meta = request.meta;
  },
};

/** The state of a file without entries. */
export function emptyFile(name: string, createdAt: number): FileState {
  return { name, createdAt, creation: '', length: 0, writers: new Map(), byId: [] };
}

/** Adds a writer's row; its `id` is its place in the order of first opens. */
export function addWriter(state: FileState, name: string): WriterState {
  assert(!state.writers.has(name), 'a writer has one row');
  const id = state.byId.length;
  const writer = { id, name, epoch: 0, seq: 0, meta: NO_META, lastIndex: -1 };
  state.writers.set(name, writer);
  state.byId.push(writer);
  return writer;
}

function decideOpen(writer: WriterState | undefined, epoch: number): Outcome {
  if (writer === undefined || epoch > writer.epoch) return LOGGED;
  return epoch === writer.epoch
    ? { kind: 'repeat', index: writer.lastIndex }
    : { kind: 'fenced', newest: writer.epoch };
}

function decideAppend(writer: WriterState, epoch: number, seq: number): Outcome {
  if (epoch < writer.epoch) return { kind: 'fenced', newest: writer.epoch };
  if (epoch > writer.epoch) return { kind: 'not-open', newest: writer.epoch };
  if (seq <= writer.seq) return { kind: 'repeat', index: writer.lastIndex };
  return seq === writer.seq + 1 ? LOGGED : { kind: 'gap', expected: writer.seq + 1 };
}
