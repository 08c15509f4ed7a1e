import { Encoder } from 'cbor-x';

const codec = new Encoder({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  tagUint8Array: false,
});

/** `value` (plain objects, arrays, text, numbers, bytes) as CBOR. */
export function encodeCbor(value: unknown): Uint8Array {
  return codec.encode(value);
}

/** The value of `bytes`; byte strings in it may be views of them. */
export function decodeCbor(bytes: Uint8Array): unknown {
  return codec.decode(bytes);
}
