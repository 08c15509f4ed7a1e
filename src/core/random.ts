import { randomBytes } from 'node:crypto';

/** A source of randomness; a simulator passes a seeded one. */
export interface Random {
  /** Uniform in [0, 2^32). */
  u32(): number;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
}

/** The operating system's randomness. */
export const systemRandom: Random = {
  u32: () => randomBytes(4).readUInt32LE(0),
  bytes: (length) => new Uint8Array(randomBytes(length)),
};

/**
 * A repeatable generator: xoshiro128** seeded through splitmix32
 * (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021).
 */
export function seededRandom(seed: number): Random {
  let mix = seed >>> 0;
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()];
  const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
  const u32 = (): number => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
    return result;
  };
  return {
    u32,
    bytes: (length) => Uint8Array.from({ length }, () => u32() & 255),
  };
}

/** Uniform integer in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + Math.floor((random.u32() / 2 ** 32) * (high - low));
}

/** Uniform real in [0, 1). */
export function unit(random: Random): number {
  return random.u32() / 2 ** 32;
}

/** A lower-case hexadecimal id of `bits` random bits. */
export function randomId(random: Random, bits = 128): string {
  return Buffer.from(random.bytes(bits / 8)).toString('hex');
}
