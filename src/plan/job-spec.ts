/**
 * What a job is, once every default is filled in: a plain object that survives JSON and CBOR, is
 * kept in the control log and means the same on every node.
 *
 * J1. Nothing is optional: whoever reads a spec never asks what the default was.
 * J2. `sources[i]` has source number i for ever; tuple ids carry that number.
 * J3. Paths are kept as they were written. `baseDir` is the folder they are relative to, so that
 *     resuming from another working directory reads the same files and runs the same scripts.
 */
import { createHash } from 'node:crypto';
import { isAbsolute, join } from 'node:path';

/** What a stage does to a tuple; only `aggregate` keeps state. */
export type StageType = 'filter' | 'transform' | 'aggregate';

/** How a tuple becomes a line of the destination. */
export type SinkFormat = 'kv' | 'value' | 'tsv' | 'json' | 'csv';

/** Which outputs of a task are written into its log. */
export type OutputLogging = 'sample' | 'all' | 'none';

/** One file that tuples are read from. */
export interface SourceSpec {
  /** A local path or `hydfs:NAME`, see `parseLocation`. */
  readonly file: string;
  /** Tuples a second from this file; 0 = as fast as the job takes them. */
  readonly rate: number;
  /** True: wait for more at the end of the file, until the job is stopped. */
  readonly follow: boolean;
}

/** One operator and how it is run. */
export interface StageSpec {
  readonly name: string;
  readonly type: StageType;
  /** A script or executable, see `operatorCandidates`. */
  readonly run: string;
  readonly args: readonly string[];
  readonly tasks: number;
  /** Operator subprocesses of each task; always 1 for an aggregate. */
  readonly processes: number;
  /** How long one tuple may take before its operator counts as hung. */
  readonly deadlineMs: number;
  readonly protocol: 'lines';
  /** Whether a Python script is started through the shim. */
  readonly shim: boolean;
  /** Added to the operator's otherwise scrubbed environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Files and folders beside the script that it needs, relative to `baseDir`. */
  readonly files: readonly string[];
}

/** Where the last stage's tuples go. */
export interface SinkSpec {
  /** A local path or `hydfs:NAME`, see `parseLocation`. */
  readonly file: string;
  readonly format: SinkFormat;
}

/** A whole job (J1). */
export interface JobSpec {
  readonly name: string;
  /** The folder of the job file (J3); absolute when the command line made it. */
  readonly baseDir: string;
  /** Further folders that scripts are looked for in, relative to `baseDir` unless absolute. */
  readonly operatorDirs: readonly string[];
  /** Files and folders that every operator needs, relative to `baseDir`. */
  readonly files: readonly string[];
  /** The Python packages of all operators: a requirements file, relative to `baseDir`; '' = none. */
  readonly requirements: string;
  /** What a source or destination without `hydfs:` names, see `clusterSpec`. */
  readonly names: 'local' | 'hydfs';
  readonly sources: readonly SourceSpec[];
  /** Tuples a second over all sources together; 0 = as fast as the job takes them. */
  readonly rate: number;
  readonly stages: readonly StageSpec[];
  readonly sink: SinkSpec;
  readonly exactlyOnce: boolean;
  readonly logOutputs: OutputLogging;
  readonly autoscale: false;
}

/** A place to look for a stage's operator. */
export type OperatorCandidate =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'bundled'; readonly name: string }
  | { readonly kind: 'command'; readonly name: string };

/**
 * Where the operator `run` may be, first match wins. A text with a slash is a file relative to
 * `baseDir`. A bare name is looked for in `baseDir`, then in each of `operatorDirs`, then among the
 * bundled operators, then on the PATH.
 */
export function operatorCandidates(
  spec: Pick<JobSpec, 'baseDir' | 'operatorDirs'>,
  run: string,
): OperatorCandidate[] {
  const from = (dir: string): string => (isAbsolute(dir) ? dir : join(spec.baseDir, dir));
  if (isAbsolute(run)) return [{ kind: 'file', path: run }];
  if (run.includes('/')) return [{ kind: 'file', path: join(spec.baseDir, run) }];
  const files = [spec.baseDir, ...spec.operatorDirs.map(from)].map((dir): OperatorCandidate => {
    return { kind: 'file', path: join(dir, run) };
  });
  return [...files, { kind: 'bundled', name: run }, { kind: 'command', name: run }];
}

/**
 * A SHA-256 (hexadecimal) that two specs share exactly when they say the same, whatever the order
 * of their keys: this is how "the same command again" is recognised.
 */
export function specFingerprint(spec: JobSpec): string {
  return createHash('sha256').update(canonicalJson(spec)).digest('hex');
}

/** JSON with the keys of every object sorted, so that equal values give equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return Object.fromEntries(entries);
  });
}
