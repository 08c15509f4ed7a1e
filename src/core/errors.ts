/** Faults: errors with a code and one finished sentence for a person; the rows are in `fault-table.ts`. */
import { type FaultDomain, faultTable } from './fault-table.ts';

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
