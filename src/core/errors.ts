/**
 * The table of every fault this program reports to a person.
 *
 * A row is one sentence that says what, where and what to do. `{name}` marks a parameter; the
 * parameters of a row are checked by the compiler. Domains: `user` (the input or the command is
 * wrong), `environment` (disk, network, another process), `internal` (the program refused its own
 * state). Exit codes: 1 the job failed, 2 usage, 3 the cluster or data directory cannot be reached.
 */

export type FaultDomain = 'user' | 'environment' | 'internal';

interface FaultRow {
  readonly domain: FaultDomain;
  readonly exit: 1 | 2 | 3;
  readonly says: string;
}

export const faultTable = {
  // usage and job files
  USAGE: { domain: 'user', exit: 2, says: '{problem}; see `rainstorm --help`' },
  JOB_FILE_INVALID: {
    domain: 'user',
    exit: 2,
    says: 'the job file {path} is not valid, correct the following and run it again:\n{problems}',
  },
  JOB_SPEC_INVALID: {
    domain: 'internal',
    exit: 1,
    says: 'a stored job description cannot be read ({problems}); it was written by another version, run the job again under another destination',
  },
  ARGUMENTS_INVALID: {
    domain: 'user',
    exit: 2,
    says: '{problems}\nthe form is: rainstorm {form}',
  },
  AUTOSCALE_NOT_YET: {
    domain: 'user',
    exit: 2,
    says: '{where} asks for elastic stages, which are not in this version; remove autoscale (or give AutoScalable as false)',
  },
  LOCATION_INVALID: {
    domain: 'user',
    exit: 2,
    says: "the file name '{text}' cannot be used: {reason}",
  },
  // data directory and disk
  DATA_DIR_LOCKED: {
    domain: 'user',
    exit: 3,
    says: 'the data directory {dir} is in use by process {pid}; stop that process or give another --data',
  },
  DISK_FULL: {
    domain: 'environment',
    exit: 1,
    says: 'no space left while writing {path}; free some space and run the same command again, nothing acknowledged is lost',
  },
  DISK_FAILED: {
    domain: 'environment',
    exit: 1,
    says: 'the disk failed while {doing} {path} ({reason}); this copy is not trusted any more, check the disk and run the same command again',
  },
  // HyDFS
  FENCED: {
    domain: 'internal',
    exit: 1,
    says: 'writer {writer} of {name} has epoch {epoch}, but epoch {newest} has taken over',
  },
} as const satisfies Record<string, FaultRow>;

export type FaultCode = keyof typeof faultTable;

type ParameterNames<S extends string> = S extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterNames<Rest>
  : never;

/** The parameters that the sentence of `C` needs. */
export type FaultParameters<C extends FaultCode> = {
  readonly [K in ParameterNames<(typeof faultTable)[C]['says']>]: string | number;
};

/** A fault with a code from `faultTable`; `message` is the finished sentence. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly parameters: Readonly<Record<string, string | number>>;

  constructor(
    code: FaultCode,
    parameters: Readonly<Record<string, string | number>>,
    cause?: unknown,
  ) {
    super(sentence(code, parameters), cause === undefined ? undefined : { cause });
    this.code = code;
    this.parameters = parameters;
  }

  get domain(): FaultDomain {
    return faultTable[this.code].domain;
  }

  get exit(): 1 | 2 | 3 {
    return faultTable[this.code].exit;
  }
}

/** Makes the fault `code`; throw or reject with it. `cause` is what was caught, if anything. */
export function fault<C extends FaultCode>(
  code: C,
  parameters: FaultParameters<C>,
  cause?: unknown,
): Fault {
  return new Fault(code, parameters, cause);
}

/** True when `error` is the fault `code`. */
export function isFault(error: unknown, code?: FaultCode): error is Fault {
  return error instanceof Fault && (code === undefined || error.code === code);
}

/** The message of whatever was thrown, for the `{reason}` of a sentence. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function sentence(code: FaultCode, parameters: Readonly<Record<string, string | number>>): string {
  return faultTable[code].says.replace(/\{(\w+)\}/g, (_, name: string) => String(parameters[name]));
}
