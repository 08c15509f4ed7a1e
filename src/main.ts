/**
 * The program's entry. For now it knows its version and its help; commands are looked up by the
 * first word, and what is not known is refused in one sentence.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import meow from 'meow';
import { embedded, fault } from './core/index.ts';

const help = `
  Usage
    $ rainstorm <command> [options]

  Commands
    version    print the version
    help       print this text

  Options
    --version  print the version
    --help     print this text
`;

function version(): string {
  if (embedded !== null) return embedded.version;
  const description: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  return (description as { version: string }).version;
}

function main(): void {
  const pkg = { name: 'rainstorm', version: version() };
  const cli = meow(help, {
    importMeta: import.meta,
    pkg,
    description: 'Exactly-once stream processing in one executable.',
    inferType: false,
  });
  const command = cli.input[0] ?? 'help';
  if (command === 'version') process.stdout.write(`${pkg.version}\n`);
  else if (command === 'help') cli.showHelp(0);
  else throw fault('USAGE', { problem: `there is no command ${command}` });
}

try {
  main();
} catch (error) {
  process.stderr.write(`rainstorm: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
