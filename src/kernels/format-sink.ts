/**
 * Sink kernel: what the last operator answered -> the lines of the destination file.
 *
 *   kv     key: value
 *   value  value
 *   tsv    key TAB value                    ; TAB, CR and backslash as \t, \r, \\
 *   csv    key,value                        ; RFC 4180 quoting, lines end with LF
 *   json   {"key":"...","value":"..."}      ; bytes that are not UTF-8 become U+FFFD
 *
 * One line per output, in the order of the answers; keys and values hold no newline, because answers
 * cannot. The json line is what `JSON.stringify` gives for the decoded strings.
 */
import type { SinkFormat } from '../plan/index.ts';
import { columns, parseAnswers } from './answers.ts';
import { type AnswerFault, answerFault } from './commit.ts';
import { ByteSink, type Bytes, bytesOf } from './growable.ts';
import { appendJsonString } from './json-string.ts';
import type { TupleSelection } from './tuple-selection.ts';

export interface FormatSinkArgs extends TupleSelection {
  /** the answers of exactly `count` inputs */
  readonly answers: Uint8Array;
  readonly count: number;
  readonly format: SinkFormat;
}

export interface SinkLines {
  readonly kind: 'ok';
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lines: number;
  /** inputs without an output */
  readonly filtered: number;
}

type Field = (out: ByteSink, from: Bytes, at: number, end: number) => void;

interface Layout {
  readonly before: string;
  readonly between: string;
  readonly after: string;
  readonly field: Field;
  readonly hasKey: boolean;
}

const layouts: Readonly<Record<SinkFormat, Layout>> = {
  kv: { before: '', between: ': ', after: '\n', field: appendRaw, hasKey: true },
  value: { before: '', between: '', after: '\n', field: appendRaw, hasKey: false },
  tsv: { before: '', between: '\t', after: '\n', field: appendTsv, hasKey: true },
  csv: { before: '', between: ',', after: '\n', field: appendCsv, hasKey: true },
  json: {
    before: '{"key":',
    between: ',"value":',
    after: '}\n',
    field: appendJsonString,
    hasKey: true,
  },
};

const SCRATCH_BYTES_KEPT = 1024 * 1024;
const TAB = 9;
const CR = 13;
const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;

const out = new ByteSink(64 * 1024);

/** The lines for the destination file. */
export function formatSink(args: FormatSinkArgs): SinkLines | AnswerFault {
  const answers = bytesOf(args.answers);
  const bad = parseAnswers(answers, args.count);
  if (bad !== null) return answerFault(args, bad.answer, bad.line);
  const { field, hasKey, ...layout } = layouts[args.format];
  const before = bytesOf(Buffer.from(layout.before));
  const between = bytesOf(Buffer.from(layout.between));
  const after = bytesOf(Buffer.from(layout.after));
  const c = columns;
  out.reset(SCRATCH_BYTES_KEPT);
  for (let i = 0; i < c.count; i++) {
    out.append(before, 0, before.bytes.length);
    if (hasKey) field(out, answers, c.keyAt[i], c.keyEnd[i]);
    out.append(between, 0, between.bytes.length);
    field(out, answers, c.valueAt[i], c.valueEnd[i]);
    out.append(after, 0, after.bytes.length);
  }
  return { kind: 'ok', bytes: out.take(), lines: c.count, filtered: c.filtered };
}

function appendRaw(to: ByteSink, from: Bytes, at: number, end: number): void {
  to.append(from, at, end - at);
}

function appendTsv(to: ByteSink, from: Bytes, at: number, end: number): void {
  to.reserve(2 * (end - at));
  const { bytes } = to;
  let length = to.length;
  for (let i = at; i < end; i++) {
    const byte = from.bytes[i];
    if (byte === TAB || byte === CR || byte === BACKSLASH) bytes[length++] = BACKSLASH;
    bytes[length++] = byte === TAB ? 0x74 : byte === CR ? 0x72 : byte;
  }
  to.length = length;
}

function appendCsv(to: ByteSink, from: Bytes, at: number, end: number): void {
  if (!needsQuotes(from, at, end)) {
    to.append(from, at, end - at);
    return;
  }
  to.reserve(2 * (end - at) + 2);
  const { bytes } = to;
  let length = to.length;
  bytes[length++] = QUOTE;
  for (let i = at; i < end; i++) {
    const byte = from.bytes[i];
    if (byte === QUOTE) bytes[length++] = QUOTE;
    bytes[length++] = byte;
  }
  bytes[length++] = QUOTE;
  to.length = length;
}

function needsQuotes(from: Bytes, at: number, end: number): boolean {
  for (let i = at; i < end; i++) {
    const byte = from.bytes[i];
    if (byte === COMMA || byte === QUOTE || byte === CR) return true;
  }
  return false;
}
