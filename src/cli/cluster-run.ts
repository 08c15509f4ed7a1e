/**
 * `rainstorm run --cluster` and `rainstorm attach`: a job that runs elsewhere, followed from here.
 *
 * R1  The job needs nobody who follows it: whoever leaves, by Ctrl-C or by dying, leaves it at work.
 * R2  What the job brings is stored before it is submitted; a job that is refused leaves nothing.
 * R3  A node that is lost while it is asked is replaced by another address of the list.
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Fault, fault, isFault, randomId, sleep, systemRandom } from '../core/index.ts';
import type { JobView } from '../leader/index.ts';
import {
  collectPackage,
  type NodeAddresses,
  reachNode,
  type Service,
  type Submitted,
  storePackage,
  unstorePackage,
} from '../node/index.ts';
import { clusterSpec, type JobSpec, planJob, storedName } from '../plan/index.ts';
import { destinationFileName } from '../worker/index.ts';
import type { ExitCode } from './command.ts';
import type { Flags } from './command-line.ts';
import { Following } from './following.ts';
import { Interrupts } from './interrupts.ts';
import { type Io, write } from './io.ts';
import { tellOfPackages } from './packages-note.ts';
import { commandAt } from './reach-words.ts';

const AGAIN_MS = 500;
/** How long a lost node is replaced or waited for. */
const PATIENCE_MS = 30_000;

export interface ClusterRun {
  readonly target: NodeAddresses;
  readonly spec: JobSpec;
  readonly io: Io;
  readonly flags: Flags;
}

/** Submits the job, then follows it unless --detach says otherwise. */
export async function runInCluster(run: ClusterRun): Promise<ExitCode> {
  const { target, io, flags } = run;
  const spec = clusterSpec(run.spec);
  const { service, close } = await reachNode(target);
  let submitted: Submitted;
  try {
    await checkStored(service, run);
    await tellOfPackages(spec, io);
    submitted = await submit(service, spec, flags);
  } finally {
    close();
  }
  const { job } = submitted;
  await write(io.stderr, `job ${spec.name} (${job.slice(0, 8)}) ${happening(submitted)}\n`);
  if (flags.detach) {
    await write(io.stdout, `${job}\n`);
    return 0;
  }
  return followInCluster({ target, io, flags }, job);
}

function happening(submitted: Submitted): string {
  if (submitted.kind !== 'resumed') return 'starts';
  return submitted.atWork ? 'is at work already' : 'is resumed';
}

/** A source that is a file here and not in HyDFS is the mistake that everybody makes once. */
async function checkStored(service: Service, { spec, target, flags }: ClusterRun): Promise<void> {
  for (const { file } of spec.sources) {
    const name = storedName(file);
    try {
      await service.stat(name);
    } catch (error) {
      if (!isFault(error, 'FILE_MISSING')) throw error;
      const path = resolve(spec.baseDir, name);
      const here = await stat(path).catch(() => null); // only asked for the hint
      if (here?.isFile() === true) {
        const command = commandAt(target, flags.data, ['fs', 'create', name, path]);
        throw fault('SOURCE_NOT_STORED', { name, path, command }, error);
      }
      throw fault('SOURCE_MISSING', { source: `hydfs:${name}` }, error);
    }
  }
}

/** R2. */
async function submit(service: Service, spec: JobSpec, flags: Flags): Promise<Submitted> {
  const { overwrite, restart } = flags;
  const id = randomId(systemRandom);
  const local = await collectPackage(spec);
  await storePackage(service, id, local);
  try {
    const { manifest } = local;
    return await service.submit({ spec, overwrite, restart, id, manifest });
  } catch (error) {
    const refused = error instanceof Fault && error.domain === 'user';
    if (refused) await unstorePackage(service, id, local);
    throw error;
  }
}

type Followed = Omit<ClusterRun, 'spec'>;

/** Follows `job` until it rests or the one who follows has enough. */
export async function followInCluster(followed: Followed, job: string): Promise<ExitCode> {
  const { io } = followed;
  const startedAt = io.clock.now();
  let until = startedAt + PATIENCE_MS;
  for (;;) {
    const since = io.clock.now();
    try {
      return await followOnce(followed, job, startedAt);
    } catch (error) {
      const now = io.clock.now();
      if (now - since > AGAIN_MS) until = now + PATIENCE_MS;
      if (!isLoss(error) || now >= until) throw error;
      await sleep(io.clock, AGAIN_MS); // R3
    }
  }
}

function isLoss(error: unknown): boolean {
  const losses = ['PEER_LOST', 'PEER_CLOSED', 'PEER_SILENT', 'PEER_UNREACHABLE'] as const;
  return losses.some((code) => isFault(error, code));
}

async function followOnce(
  { target, io, flags }: Followed,
  job: string,
  startedAt: number,
): Promise<ExitCode> {
  const { service, close } = await reachNode(target);
  const left = new AbortController();
  let following: Following | null = null;
  const interrupts = new Interrupts(io, {
    detach: () => left.abort(),
    stop: async () => void (await service.stop(job, 'end')),
    asking: (isAsking) => following?.hold(isAsking),
  });
  try {
    const spec = await service.spec(job);
    following = new Following({ service, spec, io, quiet: flags.quiet, startedAt });
    const first = await service.job(job);
    const printing = flags.print ? new Printing(service, spec, first.job, io) : null;
    const view = await following.watch(first.job, left.signal);
    await printing?.finish(left.signal.aborted);
    if (left.signal.aborted) {
      const again = commandAt(target, flags.data, ['attach', view.name]);
      await following.say(`job ${view.name} goes on without you; \`${again}\` follows it again`);
      return 0;
    }
    await following.conclude(view, first);
    return 0;
  } finally {
    interrupts.close();
    close();
  }
}

/** Streams the destination of a job to stdout while it grows. */
class Printing {
  readonly #service: Service;
  readonly #io: Io;
  readonly #name: string;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #length = 0;

  constructor(service: Service, spec: JobSpec, job: string, io: Io) {
    this.#service = service;
    this.#io = io;
    this.#name = destinationFileName(planJob(job, spec));
    this.#running = this.#follow();
    this.#running.catch(() => undefined); // told by finish
  }

  /** Prints what is left, unless it is to be left there. */
  async finish(left: boolean): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (left) return;
    const { length } = await this.#service.stat(this.#name);
    for await (const bytes of this.#service.read(this.#name, this.#length, length)) {
      await write(this.#io.stdout, bytes);
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        for await (const bytes of this.#service.tail(this.#name, this.#length, signal)) {
          await write(this.#io.stdout, bytes);
          this.#length += bytes.length;
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!isFault(error, 'FILE_MISSING')) throw error;
        await sleep(this.#io.clock, AGAIN_MS, signal); // its last stage makes it when it starts
      }
    }
  }
}

/** `rainstorm attach`: the job that a name or an id means. */
export async function attached(followed: Followed, job: string): Promise<ExitCode> {
  const { service, close } = await reachNode(followed.target);
  let found: JobView;
  try {
    found = await service.job(job);
  } finally {
    close();
  }
  return followInCluster(followed, found.job);
}
