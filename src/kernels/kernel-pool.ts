/**
 * Runs kernels here or in a Piscina pool, whichever is cheaper.
 *
 * 1. The result is the same either way, byte for byte and fault for fault.
 * 2. A call is offloaded when its input has OFFLOAD_BYTES or more, the threads are warm, and no more
 *    than `threads` calls wait in front of it. Otherwise it runs inline, before `run` returns.
 * 3. Threads are started by the first call that is large enough, which itself runs inline: nobody
 *    waits for a thread to start. A pool that cannot start is reported once and never tried again.
 * 4. A caller's buffer is never detached unless it said `transfer`: blocks have other users.
 * 5. The threads do not keep the process alive when idle; `close` ends them.
 * 6. The library is loaded with the first threads: a node without any starts sooner.
 */
import { fileURLToPath } from 'node:url';
import type { Piscina } from 'piscina';
import { assert, embedded, type Logger, reasonOf } from '../core/index.ts';
import { type KernelArgs, type KernelName, type KernelResult, runKernel } from './calls.ts';
import { type Envelope, openEnvelope } from './envelope.ts';

/**
 * Input bytes from which a call is worth another thread. Handing a call over costs this thread about
 * 0.1 ms whatever its size, which is what 12 KiB of answers cost inline; at 32 KiB two thirds of this
 * thread's time are saved, and the call alone takes about 0.15 ms longer (`bench/kernels.ts`).
 */
export const OFFLOAD_BYTES = 32 * 1024;

/** The packaged worker answers to this name (see `pool-entry.ts`). */
const EMBEDDED_TASKS = '/embedded/tasks';

export interface KernelPoolOptions {
  /** pool threads; 0 runs everything inline */
  readonly threads: number;
  readonly log: Logger;
  /** another OFFLOAD_BYTES, for measurements */
  readonly offloadBytes?: number;
  /** another task file, for tests of threads that die */
  readonly taskFile?: string;
}

export interface KernelRunOptions {
  /** the caller gives its input buffers away */
  readonly transfer?: boolean;
}

type PoolState =
  | { readonly kind: 'cold' }
  | { readonly kind: 'starting'; readonly made: Promise<Piscina>; readonly ready: Promise<void> }
  | { readonly kind: 'warm'; readonly piscina: Piscina }
  | { readonly kind: 'unavailable' }
  | { readonly kind: 'closed' };

/** Counts of what went where. */
export interface KernelPoolStats {
  readonly inline: number;
  readonly offloaded: number;
}

export class KernelPool {
  readonly #threads: number;
  readonly #log: Logger;
  readonly #offloadBytes: number;
  readonly #taskFile: string;
  #state: PoolState = { kind: 'cold' };
  #inFlight = 0;
  #inline = 0;
  #offloaded = 0;

  constructor(options: KernelPoolOptions) {
    this.#threads = options.threads;
    this.#log = options.log;
    this.#offloadBytes = options.offloadBytes ?? OFFLOAD_BYTES;
    this.#taskFile = options.taskFile ?? defaultTaskFile();
  }

  get stats(): KernelPoolStats {
    return { inline: this.#inline, offloaded: this.#offloaded };
  }

  /**
   * Runs the kernel `name`.
   * @throws what the kernel throws, or the error of a thread that died
   */
  async run<N extends KernelName>(
    name: N,
    args: KernelArgs<N>,
    { transfer = false }: KernelRunOptions = {},
  ): Promise<KernelResult<N>> {
    const piscina = this.#threadsFor(inputBytes(args));
    if (piscina === null) {
      this.#inline += 1;
      return runKernel(name, args);
    }
    this.#offloaded += 1;
    const buffers = new Set<ArrayBuffer>();
    const packed = pack(args, transfer, buffers);
    this.#inFlight += 1;
    try {
      const answer: unknown = await piscina.run(packed, { name, transferList: [...buffers] });
      return openEnvelope(answer as Envelope<N>);
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** Starts the threads now instead of at the first large call; resolves when they can work. */
  async warm(): Promise<void> {
    if (this.#threads > 0 && this.#state.kind === 'cold') this.#start();
    if (this.#state.kind === 'starting') await this.#state.ready;
  }

  /** Ends the threads; calls under way are rejected. */
  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if (state.kind === 'starting') await destroyMade(state.made);
    if (state.kind === 'warm') await state.piscina.destroy();
  }

  /** The pool for a call with this much input, or null to run it inline (2, 3). */
  #threadsFor(bytes: number): Piscina | null {
    assert(this.#state.kind !== 'closed', 'a closed kernel pool is not used');
    if (this.#threads === 0 || bytes < this.#offloadBytes) return null;
    if (this.#state.kind === 'cold') this.#start();
    if (this.#state.kind !== 'warm') return null;
    return this.#inFlight < 2 * this.#threads ? this.#state.piscina : null;
  }

  #start(): void {
    const made = this.#make();
    this.#state = { kind: 'starting', made, ready: this.#awaitThreads(made) };
  }

  /** 6. */
  async #make(): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    const piscina = new Piscina({
      filename: this.#taskFile,
      name: 'warm',
      minThreads: this.#threads,
      maxThreads: this.#threads,
    });
    piscina.on('error', (error) => this.#failed(error));
    return piscina;
  }

  async #awaitThreads(made: Promise<Piscina>): Promise<void> {
    try {
      const piscina = await made;
      const pings = Array.from({ length: this.#threads }, () =>
        piscina.run(null, { name: 'warm' }),
      );
      await Promise.all(pings);
      if (this.#state.kind === 'starting') this.#state = { kind: 'warm', piscina };
    } catch (error) {
      if (this.#state.kind !== 'starting') return;
      this.#failed(error);
      this.#state = { kind: 'unavailable' };
      await destroyMade(made);
    }
  }

  #failed(error: unknown): void {
    this.#log.warn('a kernel thread failed; its work runs inline', { reason: reasonOf(error) });
  }
}

/** Ends the threads of a pool; that it could not be made has been told. */
async function destroyMade(made: Promise<Piscina>): Promise<void> {
  await made.then(
    (piscina) => piscina.destroy(),
    () => undefined,
  );
}

function defaultTaskFile(): string {
  if (embedded !== null) return EMBEDDED_TASKS;
  return fileURLToPath(new URL('./pool-worker.ts', import.meta.url));
}

function inputBytes(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 0;
  let bytes = 0;
  for (const part of Object.values(value)) bytes += inputBytes(part);
  return bytes;
}

/** `value` with buffers of its own, added to `buffers`, which can be moved to a thread (4). */
function pack(value: unknown, transfer: boolean, buffers: Set<ArrayBuffer>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) {
    const bytes = transfer && ownsBuffer(value) ? value : new Uint8Array(value);
    buffers.add(bytes.buffer);
    return bytes;
  }
  if (value instanceof Uint16Array) return value.slice();
  if (Array.isArray(value)) return value.map((part) => pack(part, transfer, buffers));
  const parts = Object.entries(value).map(([name, part]) => [name, pack(part, transfer, buffers)]);
  return Object.fromEntries(parts);
}

/** True when nobody else can look at these bytes through another part of their buffer. */
function ownsBuffer(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
}
