/**
 * What a value must be to travel: null, booleans, numbers, text, bytes, arrays and plain objects.
 */
import { DEPTH_MAX, ITEMS_MAX } from './limits.ts';

const U32_MAX = 0xffff_ffff;

/** Why a value cannot be sent; `message` names the place in it. */
export class NotPlain extends Error {
  override readonly name = 'NotPlain';
}

/**
 * A copy of `value` as the encoder wants it: undefined members left out, undefined elements null,
 * integers above 32 bits as BigInt (the encoder would make floats of them). Bytes are not copied.
 * @param depth containers already around `value`
 * @throws NotPlain for functions, class instances, cycles and what exceeds the limits
 */
export function plain(value: unknown, depth: number, path: string): unknown {
  return new Plainer().value(value, depth, path);
}

class Plainer {
  #items = 0;

  value(value: unknown, depth: number, path: string): unknown {
    this.#items += 1;
    if (this.#items > ITEMS_MAX) throw new NotPlain(`more than ${ITEMS_MAX} items`);
    switch (typeof value) {
      case 'undefined':
        return null;
      case 'boolean':
      case 'string':
        return value;
      case 'number':
        return wide(value) ? BigInt(value) : value;
      case 'object':
        if (value === null || value instanceof Uint8Array) return value;
        if (depth >= DEPTH_MAX) throw new NotPlain(`${path} is nested deeper than ${DEPTH_MAX}`);
        return Array.isArray(value)
          ? value.map((each, i) => this.value(each, depth + 1, `${path}[${i}]`))
          : this.#members(value, depth + 1, path);
      default:
        throw new NotPlain(`${path} is a ${typeof value}`);
    }
  }

  #members(value: object, depth: number, path: string): Record<string, unknown> {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null)
      throw new NotPlain(`${path} is not a plain object`);
    const copy: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(value)) {
      if (key === '__proto__') throw new NotPlain(`${path} has a member named __proto__`);
      if (member === undefined) continue;
      this.#items += 1;
      copy[key] = this.value(member, depth, `${path}.${key}`);
    }
    return copy;
  }
}

function wide(value: number): boolean {
  return Number.isSafeInteger(value) && (value > U32_MAX || value < -U32_MAX - 1);
}
