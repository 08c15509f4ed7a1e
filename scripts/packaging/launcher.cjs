/**
 * What runs first in the executable: the program, from its text and its compiled code.
 *
 * L1 The compiled code was taken from a node that had started (`warm.cjs`), so that what a start runs
 *    need not be compiled again; V8's own cache of a new text has only what is outside of functions.
 * L2 V8 refuses code that was compiled under other flags or by another version: flags come first, and
 *    refused code costs time, nothing else.
 */
const { getRawAsset, isSea } = require('node:sea');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');

/** The text of a CommonJS module as one function. */
function wrapped(text) {
  return `(function (exports, require, module, __filename, __dirname) {${text}\n})`;
}

/** The script of a wrapped text (L2). */
function compile(text, cachedData) {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  return new Script(text, { filename: 'rainstorm.cjs', ...(cachedData && { cachedData }) });
}

/** Runs the program as this process. */
function start(script) {
  const own = { exports: {} };
  script.runInThisContext()(own.exports, require, own, __filename, __dirname);
}

/** The bytes that the packager put into the executable under `name`. */
function asset(name) {
  return Buffer.from(getRawAsset(name));
}

if (isSea()) start(compile(asset('program').toString('latin1'), asset('compiled')));
module.exports = { compile, start, wrapped };
