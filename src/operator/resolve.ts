/**
 * From what a job file says (`run: filter.py`, `args: [Street]`) to a command that can be started.
 *
 * 1. A text with a slash is a path, relative to the first of `baseDirs`. A bare name is looked for in
 *    each of `baseDirs`, then among the bundled operators (with or without `.py`), then on the PATH.
 * 2. `*.py` is run by Python, whatever its mode; everything else must be executable.
 * 3. Arguments stay an array to the end; nothing here or later builds a command line.
 */
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { basename, delimiter, isAbsolute, join, resolve } from 'node:path';
import { fault, present } from '../core/index.ts';
import { execArgv } from './awk.ts';
import { type BundledOperators, SHIM } from './bundled.ts';
import { type HostEnvironment, operatorEnvironment } from './environment.ts';
import { findPython } from './python.ts';
import type { OperatorCommand } from './types.ts';

/** Descriptor on which the shim reports; the fourth of the process. */
export const STATUS_FD = 3;

export interface ResolveOptions {
  readonly run: string;
  readonly args: readonly string[];
  /** Absolute directories, first match wins. */
  readonly baseDirs: readonly string[];
  readonly bundled: BundledOperators;
  /** The environment of this program: PATH and PYTHON are read, the allowed part is passed on. */
  readonly hostEnv: HostEnvironment;
  /** Added to the operator's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether Python scripts get the shim. Default true. */
  readonly shim?: boolean;
  /** Working directory; '' (default) is a fresh private one per process. */
  readonly cwd?: string;
}

/**
 * Finds the program and interpreter of an operator.
 * @throws OPERATOR_NOT_FOUND, OPERATOR_NOT_EXECUTABLE, PYTHON_MISSING, PYTHON_TOO_OLD
 */
export async function resolveOperator(options: ResolveOptions): Promise<OperatorCommand> {
  const path = locate(options);
  const common = {
    protocol: 'lines',
    name: basename(path),
    cwd: options.cwd ?? '',
    env: operatorEnvironment(options.hostEnv, options.env ?? {}),
  } as const;
  if (!path.endsWith('.py')) {
    requireExecutable(path);
    return { ...common, argv: execArgv(path, options.args), kind: 'exec', shim: false };
  }
  requireReadable(path);
  const python = await findPython(options.run, options.hostEnv);
  const script = [path, ...options.args];
  if (options.shim === false) {
    return { ...common, argv: [python.path, '-B', ...script], kind: 'python', shim: false };
  }
  const shim = present(options.bundled.path(SHIM), 'the shim is bundled');
  const argv = [python.path, '-B', shim, `--status=${STATUS_FD}`, ...script];
  return { ...common, argv, kind: 'python', shim: true };
}

/** What sentences call an operator. */
export function operatorName({ argv, kind, shim, name }: OperatorCommand): string {
  return name ?? basename(argv[kind === 'exec' ? 0 : shim ? 4 : 2]);
}

function locate(options: ResolveOptions): string {
  const { run, baseDirs } = options;
  const isPath = run.includes('/');
  const places = isAbsolute(run) ? [''] : isPath ? baseDirs.slice(0, 1) : baseDirs;
  for (const place of places) {
    const path = resolve(place === '' ? '/' : place, run);
    if (run !== '' && isFile(path)) return path;
  }
  const elsewhere = isPath || run === '' ? null : (bundledPath(options) ?? onPath(options));
  if (elsewhere !== null) return elsewhere;
  const looked = isAbsolute(run)
    ? 'no such file'
    : `looked in ${places.join(', ')}${isPath ? '' : ', the bundled operators and the PATH'}`;
  const bundled = options.bundled.names().join(', ');
  throw fault('OPERATOR_NOT_FOUND', { run: run === '' ? '""' : run, looked, bundled });
}

function bundledPath({ run, bundled }: ResolveOptions): string | null {
  const name = run.endsWith('.py') ? run : `${run}.py`;
  return bundled.names().includes(name.slice(0, -'.py'.length)) ? bundled.path(name) : null;
}

function onPath({ run, hostEnv }: ResolveOptions): string | null {
  for (const folder of (hostEnv.PATH ?? '').split(delimiter)) {
    const path = join(folder, run);
    if (isAbsolute(folder) && isFile(path) && canBe(path, constants.X_OK)) return path;
  }
  return null;
}

function requireExecutable(path: string): void {
  if (!canBe(path, constants.X_OK)) {
    throw fault('OPERATOR_NOT_EXECUTABLE', { path, reason: 'it is not executable' });
  }
}

function requireReadable(path: string): void {
  if (!canBe(path, constants.R_OK)) {
    throw fault('OPERATOR_NOT_EXECUTABLE', { path, reason: 'it is not readable' });
  }
}

function isFile(path: string): boolean {
  const stats: Stats | undefined = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true;
}

function canBe(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    // Root may "execute" a file without any x bit as far as access() is concerned on some systems.
    return mode !== constants.X_OK || (statSync(path).mode & 0o111) !== 0;
  } catch {
    return false;
  }
}
