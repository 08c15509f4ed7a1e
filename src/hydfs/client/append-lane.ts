/**
 * The appends of this client to one file, on their way to its primary.
 *
 * L1  Appends of one writer reach the file in the order of their calls: requests carry them in that
 *     order, and several are under way at once.
 * L2  What was sent is kept until it is answered. After a passing fault everything that is
 *     unanswered is sent again, in order, to whoever is the primary then; the file drops what it has
 *     (writer, epoch and number are the same). Answers of requests from before are ignored.
 * L3  Answers take effect in the order of the requests: a gap that a later request met, because one
 *     before it was lost or overtaken, is nobody's fault and all of it is sent again. Only a request
 *     that went alone is believed.
 * L4  While some requests are under way new appends gather; those of one turn go together. One that
 *     is large gains nothing by that, and goes as long as not too many bytes are under way.
 * L5  When nothing was answered for `patienceMs`, all appends that wait are rejected.
 * L6  A lane without appends is forgotten.
 */
import { assert, isFault, type Timer } from '../../core/index.ts';
import { ringPointOf } from '../../plan/index.ts';
import type { WriterAppend } from '../replication/index.ts';
import type { Appended } from './access.ts';
import type { Flow } from './flow.ts';
import type { Lease } from './lease.ts';
import { MOMENT_MS } from './options.ts';
import { isPassing } from './passing.ts';
import type { Routes } from './routes.ts';

/** What the acknowledgement of an append tells. */
export interface AppendDone {
  readonly length: number;
  readonly version: number;
}

interface Pending {
  readonly append: WriterAppend;
  /** Bytes of its request. */
  readonly bytes: number;
  resolve(done: AppendDone): void;
  reject(reason: unknown): void;
}

type Outcome =
  | { readonly kind: 'answered'; readonly answer: Appended }
  | { readonly kind: 'failed'; readonly reason: unknown };

interface Flight {
  readonly pending: readonly Pending[];
  readonly bytes: number;
  readonly lease: Lease;
  /** No other request of this lane was under way when it was sent (L3). */
  readonly alone: boolean;
  outcome: Outcome | null;
}

export interface LaneOptions {
  readonly name: string;
  readonly routes: Routes;
  readonly flow: Flow;
  /** Called when nothing is left to do (L6). */
  readonly idle: () => void;
}

export class AppendLane {
  readonly #name: string;
  readonly #routes: Routes;
  readonly #flow: Flow;
  readonly #idle: () => void;
  /** Not sent, in order; those before `#head` are. */
  #queue: Pending[] = [];
  #head = 0;
  #flights: Flight[] = [];
  #flightBytes = 0;
  /** True while the way to the primary is being waited for. */
  #resting = false;
  #scheduled = false;
  #tries = 0;
  #trouble: unknown = null;
  #progressAt: number;
  #timer: Timer | null = null;
  readonly #pump = (): void => this.#send();

  constructor({ name, routes, flow, idle }: LaneOptions) {
    this.#name = name;
    this.#routes = routes;
    this.#flow = flow;
    this.#idle = idle;
    this.#progressAt = routes.clock.now();
  }

  /** Appends as `FileWriter.append` does. @throws FILES_UNREACHABLE */
  append(append: WriterAppend): Promise<AppendDone> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ append, bytes: costOf(append), resolve, reject });
      this.#timer ??= this.#watch();
      if (this.#scheduled) return;
      this.#scheduled = true;
      queueMicrotask(this.#pump);
    });
  }

  /** Rejects everything that waits. */
  fail(reason: unknown): void {
    const waiting = this.#takeBack();
    this.#queue = [];
    for (const { reject } of waiting) reject(reason);
    this.#settle();
  }

  /** Sends what may be sent; the only place that does. */
  #send(): void {
    this.#scheduled = false;
    const { fileRequests, fileBytes, batchBytes } = this.#routes.limits;
    while (!this.#resting && this.#head < this.#queue.length) {
      const large = this.#queue[this.#head].bytes >= batchBytes / 2;
      if (this.#flightBytes >= fileBytes) return;
      if (this.#flights.length >= fileRequests && !large) return;
      if (!this.#sendOne()) return;
    }
  }

  /** False when no more can be sent at the moment. */
  #sendOne(): boolean {
    const { pending, bytes } = this.#nextBatch();
    let lease: Lease;
    try {
      lease = this.#routes.begin(this.#name, {});
    } catch (error) {
      this.#meet(error);
      return false;
    }
    const { address } = lease.primary;
    if (address !== null && !this.#flow.take(address, bytes, this.#pump)) {
      lease.end();
      return false;
    }
    this.#forward(pending.length);
    const flight = { pending, bytes, lease, alone: this.#flights.length === 0, outcome: null };
    this.#flights.push(flight);
    this.#flightBytes += bytes;
    void this.#fly(flight);
    return true;
  }

  /** Never rejects. */
  async #fly(flight: Flight): Promise<void> {
    const { lease, pending, bytes } = flight;
    const { address } = lease.primary;
    try {
      const work = async (): Promise<Appended> => {
        const access = await this.#routes.accessTo(address, lease.signal);
        const appends = pending.map(({ append }) => append);
        return access.append(lease.asked, appends, lease.signal);
      };
      flight.outcome = { kind: 'answered', answer: await lease.within(work()) };
    } catch (reason) {
      flight.outcome = { kind: 'failed', reason };
    }
    lease.end();
    this.#land();
    if (address !== null) this.#flow.release(address, bytes);
    this.#send();
  }

  /** Takes the outcomes of the oldest requests (L3). */
  #land(): void {
    for (;;) {
      const [flight] = this.#flights;
      if (flight === undefined || flight.outcome === null) break;
      const { outcome } = flight;
      if (outcome.kind === 'failed') {
        this.#meet(outcome.reason);
        break;
      }
      if (!flight.alone && hasGap(outcome.answer)) {
        this.#takeBack();
        break;
      }
      this.#flights.shift();
      this.#flightBytes -= flight.bytes;
      this.#progress();
      this.#answer(flight.pending, outcome.answer);
    }
    this.#settle();
  }

  #answer(pending: readonly Pending[], { length, version, refused }: Appended): void {
    this.#routes.heard(this.#name, version);
    const reasons = new Map(refused.map(({ at, reason }) => [at, reason]));
    for (const [at, { resolve, reject }] of pending.entries()) {
      if (reasons.has(at)) reject(reasons.get(at));
      else resolve({ length, version });
    }
  }

  /** What to do about a request, or a route, that failed. */
  #meet(reason: unknown): void {
    if (!isPassing(reason) || this.#routes.isClosed) return this.fail(reason);
    this.#takeBack();
    this.#trouble = reason;
    if (this.#resting) return;
    this.#resting = true;
    void this.#rest();
  }

  async #rest(): Promise<void> {
    await this.#routes.pause(ringPointOf(this.#name), this.#tries, {});
    this.#tries += 1;
    this.#resting = false;
    this.#send();
  }

  /** Puts everything that is unanswered back in front (L2); what is under way is given up. */
  #takeBack(): Pending[] {
    const flights = this.#flights;
    this.#flights = [];
    this.#flightBytes = 0;
    this.#queue = [...flights.flatMap(({ pending }) => pending), ...this.#queue.slice(this.#head)];
    this.#head = 0;
    for (const { lease } of flights) lease.recall('its appends are sent again');
    return this.#queue;
  }

  #progress(): void {
    this.#progressAt = this.#routes.clock.now();
    this.#tries = 0;
  }

  /** L5. */
  #watch(): Timer {
    const { clock, limits } = this.#routes;
    const left = Math.max(MOMENT_MS, this.#progressAt + limits.patienceMs - clock.now());
    return clock.timer(left, () => {
      this.#timer = null;
      if (clock.now() < this.#progressAt + limits.patienceMs) this.#timer = this.#watch();
      else this.fail(this.#late());
    });
  }

  #late(): Error {
    const { patienceMs } = this.#routes.limits;
    const trouble = this.#trouble ?? new Error('its primary does not answer');
    return this.#routes.unreachable(this.#name, patienceMs, trouble);
  }

  #nextBatch(): { readonly pending: readonly Pending[]; readonly bytes: number } {
    const { batchBytes, batchAppends } = this.#routes.limits;
    const end = Math.min(this.#queue.length, this.#head + batchAppends);
    let { bytes } = this.#queue[this.#head];
    let at = this.#head + 1;
    for (; at < end && bytes + this.#queue[at].bytes <= batchBytes; at++) {
      bytes += this.#queue[at].bytes;
    }
    return { pending: this.#queue.slice(this.#head, at), bytes };
  }

  /** The next `count` of the queue were sent. */
  #forward(count: number): void {
    // their places stay for a while, their bytes do not
    this.#queue.fill(SENT, this.#head, this.#head + count);
    this.#head += count;
    assert(this.#head <= this.#queue.length, 'what is sent was in the queue');
    if (this.#head < this.#queue.length && this.#head < KEPT_SENT) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }

  /** L6. */
  #settle(): void {
    if (this.#flights.length > 0 || this.#head < this.#queue.length) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#idle();
  }
}

/** Sent appends at the front of the queue, at most, before it is made anew without them. */
const KEPT_SENT = 4096;
/** Stands where a sent one was: its flight has it. */
const SENT: Pending = {
  append: { writer: '', epoch: 0, seq: 0, parts: [] },
  bytes: 0,
  resolve() {},
  reject() {},
};
/** What the numbers of an append take in a request, at most. */
const NUMBERS_BYTES = 40;
/** Bytes of UTF-8 of a UTF-16 unit, at most. */
const UNIT_BYTES = 3;

function costOf({ writer, meta, parts }: WriterAppend): number {
  let bytes = NUMBERS_BYTES + writer.length * UNIT_BYTES + (meta?.length ?? 0);
  for (const part of parts) bytes += part.length;
  return bytes;
}

function hasGap({ refused }: Appended): boolean {
  return refused.some(({ reason }) => isFault(reason, 'WRITER_GAP'));
}
