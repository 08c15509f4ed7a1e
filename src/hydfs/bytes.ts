/**
 * Numbers and byte strings in the small headers of file entries: LEB128 varints (up to 2^53 - 1)
 * and byte strings preceded by their length.
 */
import { assert } from '../core/index.ts';

/** Thrown for bytes that are no header, wherever they came from. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

/** Collects a header. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(64);
  #used = 0;

  u8(value: number): this {
    this.#room(1);
    this.#bytes[this.#used++] = value;
    return this;
  }

  varint(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, 'a varint is a safe integer from 0');
    this.#room(8);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#used++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#used++] = rest;
    return this;
  }

  bytes(value: Uint8Array): this {
    return this.varint(value.length).rest(value);
  }

  /** Bytes to the end, without their length. */
  rest(value: Uint8Array): this {
    this.#room(value.length);
    this.#bytes.set(value, this.#used);
    this.#used += value.length;
    return this;
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value, 'utf8'));
  }

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#used);
  }

  #room(bytes: number): void {
    if (this.#used + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#used + bytes, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
  }
}

/** Takes a header apart. @throws Malformed when the bytes end too early */
export class ByteReader {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u8(): number {
    checkForm(this.at < this.#bytes.length, 'it ends too early');
    return this.#bytes[this.at++];
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    checkForm(Number.isSafeInteger(value), 'a number in it is too large');
    return value;
  }

  bytes(): Uint8Array {
    const length = this.varint();
    checkForm(this.at + length <= this.#bytes.length, 'it ends too early');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  text(): string {
    return Buffer.from(this.bytes()).toString('utf8');
  }

  /** Everything that has not been read. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.at);
  }
}

/** @throws Malformed unless `condition` */
export function checkForm(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new Malformed(problem);
}
