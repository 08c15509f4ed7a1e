/** The program: one executable for every role. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { processIo, runCommandLine } from './cli/index.ts';
import { embedded, tuneGarbageCollector } from './core/index.ts';

function version(): string {
  if (embedded !== null) return embedded.version;
  const description: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  return (description as { version: string }).version;
}

tuneGarbageCollector();
const io = processIo((code) => process.exit(code));
void runCommandLine(process.argv.slice(2), io, version()).then((code) => {
  process.exitCode = code;
});
