/**
 * `length` bytes in a buffer of their own, holding whatever was in that memory: for a caller that
 * writes every one of them. Zeroing a 64 KiB block costs as much as filling it.
 */
export function unsetBytes(length: number): Uint8Array<ArrayBuffer> {
  const { buffer } = Buffer.allocUnsafeSlow(length);
  return new Uint8Array(buffer);
}
