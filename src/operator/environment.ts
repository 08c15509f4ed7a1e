/**
 * What an operator may see of the host's environment.
 *
 * 1. Only names on the list pass: a secret in the environment of a node never reaches a stranger's
 *    script because nobody thought of excluding it.
 * 2. What the job file gives is passed as given, except `RAINSTORM_*`, which is ours.
 */

/** Found on the host and passed on. `PYTHON*` switches that change what a script prints are not. */
const PASSED: ReadonlySet<string> = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'VIRTUAL_ENV',
  'PYTHONPATH',
  'PYTHONHOME',
  'PYTHONUSERBASE',
  'PYTHONNOUSERSITE',
  'PYTHONHASHSEED',
  'PYTHONWARNINGS',
  'PYTHONUTF8',
  'PYTHONMALLOC',
]);

/** Variables by name; `process.env` is one. */
export type HostEnvironment = Readonly<Record<string, string | undefined>>;

/** The environment of an operator: the allowed part of `host`, then `added`. */
export function operatorEnvironment(
  host: HostEnvironment,
  added: Readonly<Record<string, string>>,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(host)) {
    if (value !== undefined && (PASSED.has(name) || name.startsWith('LC_'))) result[name] = value;
  }
  for (const [name, value] of Object.entries(added)) {
    if (!name.startsWith('RAINSTORM_')) result[name] = value;
  }
  return result;
}
