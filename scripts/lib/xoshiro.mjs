/**
 * A repeatable generator of 32-bit numbers, xoshiro128** seeded through splitmix32
 * (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021).
 * Gives a function `next(n)`: a whole number in [0, n), n at most 2^32.
 */
export function xoshiro(seed) {
  let mix = seed >>> 0;
  const splitmix = () => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()];
  const rotl = (x, k) => (x << k) | (x >>> (32 - k));
  return (n) => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
    return result % n;
  };
}
