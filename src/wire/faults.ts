/**
 * Faults between nodes: code and parameters travel, the sentence is made again where it is read.
 */
import { Fault, type FaultCode, fault, faultTable, reasonOf } from '../core/index.ts';
import { SENTENCE_BYTES_MAX, type WireFault } from './fields.ts';

/** The code of what was thrown without being a fault: a bug of the peer, told by its message. */
const UNEXPECTED = 'UNEXPECTED';

/** What was thrown, ready to be sent. Long texts are cut. */
export function toWireFault(error: unknown): WireFault {
  if (!(error instanceof Fault))
    return { code: UNEXPECTED, message: shortened(reasonOf(error)), parameters: {} };
  const parameters = Object.entries(error.parameters).map(([name, value]) => [
    name,
    typeof value === 'string' ? shortened(value) : value,
  ]);
  return {
    code: error.code,
    message: shortened(error.message),
    parameters: Object.fromEntries(parameters),
  };
}

/**
 * The fault that `peer` sent: the same code and parameters when this program knows them and makes
 * the same sentence of them, REMOTE_FAILED with the peer's sentence otherwise.
 */
export function fromWireFault(wire: WireFault, peer: string): Fault {
  if (isCode(wire.code)) {
    const known = new Fault(wire.code, wire.parameters);
    if (shortened(known.message) === wire.message) return known;
  }
  return fault('REMOTE_FAILED', { peer, code: wire.code, reason: wire.message });
}

function isCode(code: string): code is FaultCode {
  return Object.hasOwn(faultTable, code);
}

/** `text` in at most as many bytes as a sentence may have. */
function shortened(text: string): string {
  if (Buffer.byteLength(text) <= SENTENCE_BYTES_MAX) return text;
  // a UTF-16 unit has at most three bytes of UTF-8
  return `${text.slice(0, Math.floor(SENTENCE_BYTES_MAX / 3) - 1)}…`;
}
