/**
 * Counts the sockets that have not said hello. They cost a socket and a timer each and are
 * answered nothing, so there is a bound in all and one for each address.
 *
 * All programs of this machine share the loopback addresses: the bound for one address would let
 * a burst of nodes refuse each other, so there only the total counts.
 */
import { isLoopbackIp } from './address.ts';

export class Strangers {
  readonly #max: number;
  readonly #perAddressMax: number;
  readonly #perAddress = new Map<string, number>();
  #total = 0;

  constructor(max: number, perAddressMax: number) {
    this.#max = max;
    this.#perAddressMax = perAddressMax;
  }

  /** Admits one more from `address`, or says false. */
  admit(address: string): boolean {
    const here = this.#perAddress.get(address) ?? 0;
    if (this.#total >= this.#max) return false;
    if (here >= this.#perAddressMax && !isLocal(address)) return false;
    this.#total += 1;
    this.#perAddress.set(address, here + 1);
    return true;
  }

  /** One from `address` has said hello or is gone. */
  release(address: string): void {
    const here = this.#perAddress.get(address) ?? 0;
    if (here === 0) return;
    this.#total -= 1;
    if (here === 1) this.#perAddress.delete(address);
    else this.#perAddress.set(address, here - 1);
  }
}

/** Unix sockets have no address. */
function isLocal(address: string): boolean {
  return address === '' || isLoopbackIp(address);
}
