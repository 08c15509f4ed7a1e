/**
 * The replication of one store: every ring point that it holds, as primary or for others.
 *
 * The files themselves are `StoredFiles`; who holds what is decided in the control log and known
 * through `ReplicaPlacement`. Nothing is decided here but the order of entries.
 */
import { z } from 'zod';
import {
  fault,
  type Logger,
  present,
  type RequestLog,
  reasonOf,
  silentRequests,
} from '../../core/index.ts';
import { RING_POINTS, ringPointOf } from '../../plan/index.ts';
import type { RpcMethods } from '../../transport/index.ts';
import { Backup } from './backup.ts';
import { CaughtUp } from './caught-up.ts';
import type { OccupiedPoints, ReplicaContext } from './context.ts';
import { FirstUse } from './first-use.ts';
import { FileGate } from './gate.ts';
import { isIn } from './held-points.ts';
import { Mender } from './mender.ts';
import { type DamagedParams, METHODS } from './messages.ts';
import { replicaMethods } from './methods.ts';
import { defaultReplicaLimits, type ReplicasOptions } from './options.ts';
import { Peers } from './peers.ts';
import type { PrimaryFile } from './primary-file.ts';
import type { PrimaryFiles } from './primary-files.ts';
import { PrimaryPoint } from './primary-point.ts';
import { Rate } from './rate.ts';
import { scrub } from './scrub.ts';
import { ServedFiles } from './served-files.ts';
import { Slots } from './slots.ts';
import type { StoredFile, StoredFiles } from './stored-files.ts';
import { Surveys } from './surveys.ts';

/** Of all fillings and background comparisons together. */
export const REPAIR_BYTES_PER_SECOND = 64 * 1024 * 1024;
/** Files read back at a time, for replicas that count and for those that are being filled. */
const PUSHES_MAX = 16;
const FILLS_MAX = 4;
/** Reports of one trouble, at most: until the keeper has acted, every request meets it. */
const UNFIT_AGAIN_MS = 1_000;
/** Troubles that are remembered for that. */
const TROUBLES_MAX = 4_096;

export class Replicas {
  readonly #context: ReplicaContext;
  readonly #points = new Map<number, PrimaryPoint>();
  readonly #backup: Backup;
  readonly #surveys: Surveys;
  readonly #mender: Mender;
  readonly #served: ServedFiles;
  readonly #ended = new AbortController();
  readonly #reported = new Map<string, number>();
  readonly #requests: RequestLog;
  readonly #forget: () => void;
  /** False until the picture of the points is as new as the start of this store. */
  #known: boolean;

  constructor(options: ReplicasOptions) {
    const { files, store, placement, clock, random } = options;
    this.#requests = options.requests ?? silentRequests;
    const limits = { ...defaultReplicaLimits, ...options.limits };
    const ended = this.#ended.signal;
    const log = options.log.child({ store });
    const bytesPerSecond = options.repairBytesPerSecond ?? REPAIR_BYTES_PER_SECOND;
    const connect = options.connect.bind(options);
    this.#context = {
      files,
      store,
      placement,
      clock,
      random,
      log,
      limits,
      peers: new Peers({ placement, connect, clock, limits, ended }),
      firstUse: new FirstUse(placement),
      repairs: new Rate(clock, bytesPerSecond, Math.max(limits.batchBytes, bytesPerSecond / 10)),
      pushes: new Slots(PUSHES_MAX),
      fills: new Slots(FILLS_MAX),
      occupied: occupiedPoints(files, log),
      ended,
      unfit: (...trouble) => this.#unfit(...trouble),
    };
    const caughtUp = new CaughtUp(this.#context);
    this.#backup = new Backup(this.#context, (point, version) => {
      this.#points.get(point)?.overtaken(version);
    });
    this.#surveys = new Surveys(this.#context, {
      surveyed: (link, session, found) => {
        this.#points.get(link.owner.point)?.surveyed(link, session, found);
      },
      refused: (link, refusal) => link.refused(refusal),
    });
    this.#mender = new Mender(this.#context);
    for (let point = 0; point < RING_POINTS; point++) {
      const host = {
        promised: (asked: number) => this.#backup.versionOf(asked),
        survey: this.#surveys.want.bind(this.#surveys),
        sessionUsed: this.#surveys.used.bind(this.#surveys),
        complete: caughtUp.tell.bind(caughtUp),
        damaged: this.#damagedHere.bind(this),
      };
      this.#points.set(point, new PrimaryPoint(this.#context, host, point));
    }
    this.#served = new ServedFiles({
      context: this.#context,
      mender: this.#mender,
      points: this.#points,
      damagedCopy: (name, error) => this.#damagedCopy(name, error),
      close: () => this.close(),
    });
    this.#gateFiles();
    this.#forget = placement.onChange((points) => this.#changed(points));
    this.#known = options.known === undefined;
    this.#changed([...this.#points.keys()]);
    void options.known?.then(() => this.#begin());
    void scrub(this.#context, this.#mender, () => this.#points.values());
  }

  /** What other stores ask of this one. */
  methods(): RpcMethods {
    const { limits } = this.#context;
    const requests = this.#requests;
    const damaged = (params: DamagedParams): { kind: 'done' } => this.#damagedThere(params);
    const known = (): boolean => this.#known;
    return replicaMethods({ backup: this.#backup, requests, limits, known, damaged });
  }

  /** The files of the points whose primary this store is. */
  files(): PrimaryFiles {
    return this.#served;
  }

  /** Ends all of it; the files stay open. */
  async close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#forget();
    this.#ended.abort(fault('LOG_CLOSED', { path: `store ${this.#context.store}` }));
    for (const point of this.#points.values()) point.close();
    this.#context.files.setGate(null);
  }

  #gateFiles(): void {
    const gates = new WeakMap<StoredFile, FileGate>();
    this.#context.files.setGate((stored) => {
      const known = gates.get(stored);
      if (known !== undefined) return known;
      const point = present(
        this.#points.get(ringPointOf(stored.state.name)),
        'every point is known',
      );
      const gate = new FileGate(point, stored);
      gates.set(stored, gate);
      return gate;
    });
  }

  #begin(): void {
    if (this.#ended.signal.aborted) return;
    this.#known = true;
    this.#changed([...this.#points.keys()]);
  }

  #changed(points: readonly number[]): void {
    if (!this.#known) return;
    for (const point of points) {
      this.#points.get(point)?.reconfigure(this.#context.placement.config(point));
      this.#leave(point);
    }
  }

  /** Discards what nobody asks this store for any more, when its disk can. */
  #leave(point: number): void {
    const { placement, store, clock, limits, log, ended } = this.#context;
    const config = placement.config(point);
    if (config === null || isIn(config, store)) return;
    this.#backup.leave(point).catch((error: unknown) => {
      if (ended.aborted) return;
      log.error('the files of a point cannot be discarded', { point, reason: reasonOf(error) });
      clock.timer(limits.retryMsMax, () => this.#leave(point));
    });
  }

  /** The keeper may need a while, in which every request meets the same trouble. */
  #unfit(store: string, point: number, version: number, error: unknown): void {
    const { clock, log, placement } = this.#context;
    const place = store === this.#context.store ? this.#points.get(point) : undefined;
    place?.startOver();
    const isLast = place?.isLast === true;
    const trouble = `${store} ${point} ${version}`;
    const before = this.#reported.get(trouble);
    if (before !== undefined && clock.now() - before < UNFIT_AGAIN_MS) return;
    if (this.#reported.size >= TROUBLES_MAX) this.#reported.clear();
    this.#reported.set(trouble, clock.now());
    const reason = reasonOf(error);
    const facts = { unfit: store, point, reason };
    if (isLast) {
      log.error(
        'the only replica of a ring point cannot be written; its disk is tried again',
        facts,
      );
      return;
    }
    log.error('a store cannot keep its copy of a ring point', facts);
    placement.unfit(store, point, version, reason).catch((refused: unknown) => {
      log.warn('the keeper did not hear of an unfit store', { reason: reasonOf(refused) });
    });
  }

  #damagedHere(point: PrimaryPoint, file: PrimaryFile, error: unknown): void {
    this.#mender.mendLater({ point, file }, error);
  }

  /** At the primary: another replica has found its copy damaged. */
  #damagedThere({ point, name, store }: DamagedParams): { kind: 'done' } {
    const place = this.#points.get(point);
    const file = place?.files.get(name);
    if (place?.active && file !== undefined) {
      this.#context.log.error('a copy of a file is damaged and is made anew', { name, store });
      for (const link of place.links) if (link.store === store) link.restart(file);
    }
    return { kind: 'done' };
  }

  /** A copy of this store was found damaged while it was read. */
  #damagedCopy(name: string, error: unknown): void {
    const { placement, store, peers, log } = this.#context;
    const point = ringPointOf(name);
    const config = placement.config(point);
    if (config === null) return;
    const place = this.#points.get(point);
    const file = place?.files.get(name);
    if (place?.active && file !== undefined) return this.#damagedHere(place, file, error);
    log.error('a copy of a file is damaged here', { name, reason: reasonOf(error) });
    const told = peers.call({
      store: config.replicas[0],
      method: METHODS.damaged,
      params: { point, version: config.version, name, store },
      answer: doneHereSchema,
    });
    told.catch((reason: unknown) => {
      log.warn('the primary did not hear of a damaged copy', { name, reason: reasonOf(reason) });
    });
  }
}

const doneHereSchema = z.object({ kind: z.literal('done') });

function occupiedPoints(files: StoredFiles, log: Logger): OccupiedPoints {
  const points = new Set<number>();
  const ready = files.pointsWithFiles().then((found) => {
    for (const point of found) points.add(point);
  });
  ready.catch((error: unknown) => {
    log.error('the points with files cannot be listed', { reason: reasonOf(error) });
  });
  return { ready, points };
}
