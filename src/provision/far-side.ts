/** The shell program that runs on the hosts (`far-side.sh`), and how its answers are read. */
import { readFileSync } from 'node:fs';
import { embedded } from '../core/index.ts';
import { shellCommand } from './quote.ts';

const SCRIPT = 'src/provision/far-side.sh';
const MARK = 'rainstorm:';

export type FarTask =
  | 'state'
  | 'probe'
  | 'install'
  | 'adopt'
  | 'place_key'
  | 'start'
  | 'members'
  | 'stop'
  | 'clean';

/** What a task said, by key. */
export type FarFacts = ReadonlyMap<string, string>;

/** The command line that does `task` in the directory `dir` of a host. */
export function farCommand(task: FarTask, dir: string, args: readonly string[] = []): string {
  return `exec ${shellCommand(['sh', '-c', scriptText(), 'sh', task, dir, ...args])}`;
}

/** Reads what a task has printed; lines of anybody else are skipped. */
export function readFarFacts(stdout: string): FarFacts {
  const lines = stdout.split('\n').filter((line) => line.startsWith(MARK));
  return new Map(
    lines.map((line) => {
      const at = line.indexOf('=');
      return [line.slice(MARK.length, at), line.slice(at + 1)];
    }),
  );
}

let script: string | null = null;

/** Without its comments: what is sent for every task is shown by `ps` there. */
function scriptText(): string {
  script ??= (embedded?.[SCRIPT] ?? readFileSync(new URL('far-side.sh', import.meta.url), 'utf8'))
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n');
  return script;
}
