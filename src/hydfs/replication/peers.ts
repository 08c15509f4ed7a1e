/**
 * Requests to other stores: over shared connections, a bounded number of bytes and requests at a
 * time to each store, each answered or given up within its time.
 */
import type { z } from 'zod';
import { type Clock, fault } from '../../core/index.ts';
import { Bulk } from '../../transport/index.ts';
import type { ReplicaLimits, ReplicaPeer, ReplicaPlacement } from './options.ts';

/** Requests under way to one store; fewer than the transport takes. */
export const PEER_REQUESTS_MAX = 256;
/** Bytes under way to one store. A request that is larger travels alone. */
export const PEER_BYTES_MAX = 32 * 1024 * 1024;

interface PeersOptions {
  readonly placement: ReplicaPlacement;
  connect(address: string, signal?: AbortSignal): Promise<ReplicaPeer>;
  readonly clock: Clock;
  readonly limits: ReplicaLimits;
  readonly ended: AbortSignal;
}

/** How many requests and bytes are under way to a store, and who waits, oldest first. */
interface Lane {
  requests: number;
  bytes: number;
  readonly waiting: { readonly bytes: number; readonly go: () => void }[];
}

export interface PeerRequest<T> {
  readonly store: string;
  readonly method: string;
  readonly params: unknown;
  readonly answer: z.ZodType<T>;
  readonly data?: readonly Uint8Array[];
  readonly signal?: AbortSignal;
}

/** An item of a stream, and the bytes beside it. */
export interface PeerItem<T> {
  readonly value: T;
  readonly data: readonly Uint8Array[];
}

const NO_DATA: readonly Uint8Array[] = [];

export class Peers {
  readonly #options: PeersOptions;
  readonly #lanes = new Map<string, Lane>();

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Asks for one answer. @throws the peer's fault, PEER_UNREACHABLE, REPLICA_NOT_READY when late */
  async call<T>(request: PeerRequest<T>): Promise<T> {
    const { store, method, params, answer, data } = request;
    let bytes = 0;
    for (const part of data ?? []) bytes += part.length;
    const lane = this.#lane(store);
    await enter(lane, bytes);
    const deadline = this.#deadline(store, request.signal);
    try {
      const peer = await this.#connect(store, deadline.signal);
      return answer.parse(await peer.call(method, params, deadline.signal, data));
    } finally {
      deadline.end();
      leave(lane, bytes);
    }
  }

  /** Asks for items; each may take as long as one answer. */
  async *stream<T>(request: PeerRequest<T>): AsyncGenerator<PeerItem<T>> {
    const { store, method, params, answer } = request;
    const lane = this.#lane(store);
    await enter(lane, 0);
    const deadline = this.#deadline(store, request.signal);
    try {
      const peer = await this.#connect(store, deadline.signal);
      for await (const item of peer.stream(method, params, deadline.signal)) {
        deadline.pause();
        const [value, data] = item instanceof Bulk ? [item.value, item.parts] : [item, NO_DATA];
        yield { value: answer.parse(value), data };
        deadline.resume();
      }
    } finally {
      deadline.end();
      leave(lane, 0);
    }
  }

  #lane(store: string): Lane {
    const known = this.#lanes.get(store);
    if (known !== undefined) return known;
    const lane: Lane = { requests: 0, bytes: 0, waiting: [] };
    this.#lanes.set(store, lane);
    return lane;
  }

  #connect(store: string, signal: AbortSignal): Promise<ReplicaPeer> {
    signal.throwIfAborted();
    const address = this.#options.placement.address(store);
    if (address !== null) return this.#options.connect(address, signal);
    const reason = 'no living node has it';
    return Promise.reject(fault('PEER_UNREACHABLE', { address: `store ${store}`, reason }));
  }

  #deadline(store: string, given: AbortSignal | undefined): Deadline {
    const { clock, limits, ended } = this.#options;
    const late = fault('REPLICA_NOT_READY', { name: `store ${store}`, reason: 'it is late' });
    return new Deadline(clock, limits.requestMs, late, given ? [given, ended] : [ended]);
  }
}

/** Aborts after a time, or with one of some signals. */
class Deadline {
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #late: Error;
  readonly #given: readonly AbortSignal[];
  #timer: { cancel(): void } | null = null;

  constructor(clock: Clock, ms: number, late: Error, given: readonly AbortSignal[]) {
    this.#clock = clock;
    this.#ms = ms;
    this.#late = late;
    this.#given = given;
    for (const signal of given) {
      if (signal.aborted) this.#abort.abort(signal.reason);
      else signal.addEventListener('abort', this.#follow);
    }
    this.resume();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  pause(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  resume(): void {
    this.#timer = this.#clock.timer(this.#ms, () => this.#abort.abort(this.#late));
  }

  end(): void {
    this.pause();
    for (const signal of this.#given) signal.removeEventListener('abort', this.#follow);
  }

  readonly #follow = (event: Event): void => {
    if (event.target instanceof AbortSignal) this.#abort.abort(event.target.reason);
  };
}

function hasRoom(lane: Lane, bytes: number): boolean {
  if (lane.requests === 0) return true;
  return lane.requests < PEER_REQUESTS_MAX && lane.bytes + bytes <= PEER_BYTES_MAX;
}

/** Resolves when there is room, for those who asked before first. */
function enter(lane: Lane, bytes: number): Promise<void> | undefined {
  const take = (): void => {
    lane.requests += 1;
    lane.bytes += bytes;
  };
  if (lane.waiting.length === 0 && hasRoom(lane, bytes)) {
    take();
    return undefined;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  const go = (): void => {
    take();
    resolve();
  };
  lane.waiting.push({ bytes, go });
  return promise;
}

function leave(lane: Lane, bytes: number): void {
  lane.requests -= 1;
  lane.bytes -= bytes;
  for (let first = lane.waiting.at(0); first !== undefined; first = lane.waiting.at(0)) {
    if (!hasRoom(lane, first.bytes)) return;
    lane.waiting.shift();
    first.go();
  }
}
