import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Fault, fault } from '../core/index.ts';
import { type HostEnvironment, operatorEnvironment } from './environment.ts';

/** The shim and the bundled operators are written for this version. */
const NEEDED = [3, 8] as const;
/** A Python that takes longer to say its version is not usable. */
const PROBE_MS = 20_000;

const QUESTION =
  'import sys; print("%d.%d.%d" % sys.version_info[:3]); print(getattr(sys, "executable", "") or "")';

/** A Python that was run and is new enough. */
export interface Python {
  /** The interpreter itself, not a wrapper script that would be run at each start. */
  readonly path: string;
  readonly version: string;
}

interface Found {
  readonly kind: 'found';
  readonly python: Python;
}
type Probe = Found | ProbeFailure;
interface ProbeFailure {
  readonly kind: 'failed';
  readonly reason: string;
}

/**
 * What was found, by program and environment. Asking starts an interpreter, often through slow
 * wrapper scripts, and each stage of each job wants to know. Only a usable one is kept: the others get repaired.
 */
const known = new Map<string, Promise<Probe>>();

/**
 * Finds a Python for the operator `run`: the program named by PYTHON when that is set, otherwise
 * `python3`, then `python`.
 * @throws PYTHON_MISSING when none can be run, PYTHON_TOO_OLD when none is at least 3.8
 */
export async function findPython(run: string, host: HostEnvironment): Promise<Python> {
  const chosen = host.PYTHON ?? '';
  const candidates = chosen === '' ? ['python3', 'python'] : [chosen];
  let worst: Fault | null = null;
  for (const candidate of candidates) {
    const probe = await askOnce(candidate, operatorEnvironment(host, {}));
    if (isUsable(probe)) return probe.python;
    worst = worst ?? refusal(run, candidate, probe);
  }
  throw worst;
}

function refusal(run: string, candidate: string, probe: Probe): Fault {
  const needed = NEEDED.join('.');
  if (probe.kind === 'failed') {
    return fault('PYTHON_MISSING', { run, tried: candidate, reason: probe.reason, needed });
  }
  const { path, version } = probe.python;
  return fault('PYTHON_TOO_OLD', { run, needed, python: path, version });
}

/** As `ask`, once per process; an interpreter that has gone since is looked for again. */
async function askOnce(candidate: string, env: Readonly<Record<string, string>>): Promise<Probe> {
  const key = JSON.stringify([candidate, env]);
  const pending = known.get(key);
  if (pending !== undefined) {
    const before = await pending;
    if (!isUsable(before) || existsSync(before.python.path)) return before;
  }
  const asked = ask(candidate, env);
  known.set(key, asked);
  const probe = await asked;
  if (!isUsable(probe)) known.delete(key);
  return probe;
}

function ask(candidate: string, env: Readonly<Record<string, string>>): Promise<Probe> {
  const options = {
    env: { ...env },
    timeout: PROBE_MS,
    encoding: 'utf8',
  } as const;
  return new Promise((resolve) => {
    execFile(candidate, ['-c', QUESTION], options, (error, stdout, stderr) => {
      const [version, path] = stdout.split('\n');
      if (error === null && /^\d+\.\d+\.\d+$/.test(version)) {
        resolve({ kind: 'found', python: { path: path === '' ? candidate : path, version } });
      } else {
        resolve({ kind: 'failed', reason: whyNot(error, stderr) });
      }
    });
  });
}

function whyNot(error: (Error & { code?: unknown }) | null, stderr: string): string {
  if (error?.code === 'ENOENT') return 'no such program';
  if (error?.code === 'EACCES') return 'not executable';
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return said === '' ? 'it did not tell its version' : said;
}

function isUsable(probe: Probe): probe is Found {
  if (probe.kind === 'failed') return false;
  const [major, minor] = probe.python.version.split('.').map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}
