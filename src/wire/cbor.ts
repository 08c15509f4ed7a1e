/**
 * The only place that knows cbor-x. Everything optional in it is off: no records, no shared
 * structures, no tags; maps are plain objects and 64-bit integers are numbers.
 */
import { Encoder, type Options } from 'cbor-x';

interface FullOptions extends Options {
  readonly useTag259ForMaps: boolean;
  readonly int64AsNumber: boolean;
}

const options: FullOptions = {
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  tagUint8Array: false,
  useTag259ForMaps: false,
  int64AsNumber: true,
  copyBuffers: false,
};
const codec = new Encoder(options);

/** Writes a message: key 0 is its number, keys 1, 2, ... its fields. `fields` went through `plain`. */
export function writeMap(number: number, fields: readonly unknown[]): Uint8Array {
  const map = new Map<number, unknown>([[0, number]]);
  for (let i = 0; i < fields.length; i++) map.set(i + 1, fields[i]);
  return codec.encode(map);
}

/**
 * Reads one item that `scanCbor` accepted. Byte strings are views of `bytes`.
 * @throws whatever cbor-x throws on bytes that were not scanned
 */
export function readValue(bytes: Uint8Array): unknown {
  return codec.decode(bytes);
}

/** Any plain value (numbers, texts, byte strings, lists, maps with text keys) as CBOR. */
export function encodeCbor(value: unknown): Uint8Array {
  return codec.encode(value);
}

/**
 * The value that `encodeCbor` wrote. For bytes that this program has written and whose CRC has been
 * checked; what comes from a peer goes through `decodeMessage`.
 * @throws whatever cbor-x throws on other bytes
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  return codec.decode(bytes);
}
