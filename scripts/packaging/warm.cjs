/**
 * Runs the program in the file PROGRAM with ARGS, and writes what was compiled to the file COMPILED
 * when it ends.
 *
 *   node scripts/packaging/warm.cjs PROGRAM COMPILED ARGS...
 */
const { readFileSync, writeFileSync } = require('node:fs');
const { compile, start } = require('./launcher.cjs');

const [program, compiled] = process.argv.splice(2, 2);
const script = compile(readFileSync(program, 'latin1'));
process.once('exit', () => writeFileSync(compiled, script.createCachedData()));
start(script);
