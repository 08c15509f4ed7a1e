#!/usr/bin/env node
/**
 * Writes an inventory of a city's traffic signs as CSV, the kind of open data that the demo, the
 * tests and the benches work on.
 *
 *   node scripts/make-signs.mjs --lines 100000 --seed 1 --out sample/signs.csv [--crlf]
 *   node scripts/make-signs.mjs --plain --lines 1000000 --out -      lines of about 100 bytes
 *
 * 1. The same options give the same bytes on every Node from 20 on: the generator is its own, and
 *    all arithmetic is on 32-bit integers.
 * 2. Memory does not grow with the number of lines; a full disk is an error, not a short file.
 * 3. A file appears under its name only when it is complete.
 *
 * `--lines` counts data lines; the CSV's header comes on top. The SHA-256 of the bytes is printed.
 */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { header, plainLine, signLine } from './lib/sign-lines.mjs';
import { xoshiro } from './lib/xoshiro.mjs';

const CHUNK_BYTES = 256 * 1024;

/** Writes the file that `options` describe and gives its SHA-256 and size. */
export function makeSigns({ lines, seed, out, crlf = false, plain = false }) {
  const toStdout = out === '-';
  const part = `${out}.part-${process.pid}`;
  if (!toStdout) mkdirSync(dirname(resolve(out)), { recursive: true });
  const fd = toStdout ? 1 : openSync(part, 'w');
  try {
    const written = writeLines(fd, { lines, seed, end: crlf ? '\r\n' : '\n', plain });
    if (!toStdout) renameSync(part, out);
    return written;
  } finally {
    if (!toStdout) {
      closeSync(fd);
      rmSync(part, { force: true });
    }
  }
}

function writeLines(fd, { lines, seed, end, plain }) {
  const next = xoshiro(seed);
  const hash = createHash('sha256');
  const makeLine = plain ? plainLine : signLine;
  let bytes = 0;
  let text = plain ? '' : header + end;
  for (let line = 0; line < lines; line++) {
    text += makeLine(line, next) + end;
    if (text.length >= CHUNK_BYTES) {
      bytes += flush(fd, hash, text);
      text = '';
    }
  }
  bytes += flush(fd, hash, text);
  return { sha256: hash.digest('hex'), bytes };
}

function flush(fd, hash, text) {
  const chunk = Buffer.from(text, 'utf8');
  hash.update(chunk);
  for (let at = 0; at < chunk.length; ) {
    const wrote = writeOrWait(fd, chunk, at);
    if (wrote === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    at += wrote;
  }
  return chunk.length;
}

/** A pipe of stdout may be full and non-blocking: it is tried again after a moment. */
function writeOrWait(fd, chunk, at) {
  for (;;) {
    try {
      return writeSync(fd, chunk, at, chunk.length - at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** The options of a command line. @throws Error in one sentence */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      lines: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string', default: 'sample/signs.csv' },
      crlf: { type: 'boolean', default: false },
      plain: { type: 'boolean', default: false },
    },
  });
  return { ...values, lines: whole('lines', values.lines), seed: whole('seed', values.seed) };
}

function whole(name, text) {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value <= 0xffffffff) return value;
  throw new Error(`--${name} is ${text}, but must be a whole number from 0 to 4294967295`);
}

function main() {
  try {
    const options = readOptions(process.argv.slice(2));
    const { sha256, bytes } = makeSigns(options);
    console.error(`${options.lines} lines, ${bytes} bytes, seed ${options.seed}`);
    (options.out === '-' ? console.error : console.log)(`${sha256}  ${options.out}`);
  } catch (error) {
    console.error(`make-signs: ${error.message}; see the head of scripts/make-signs.mjs`);
    process.exitCode = 2;
  }
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) main();
