/**
 * `up`: a cluster on the hosts, whatever is there already.
 *
 *   U1  Hosts are worked on side by side, ten at a time; one that fails is left out with its reason and
 *       the others go on.
 *   U2  Everything may be done twice. What is there is left alone: a program with the right SHA-256, a
 *       node that runs. So the same command again repairs what was interrupted.
 *   U3  Who begins the cluster is decided once all hosts were looked at: a new node joins those that
 *       run; when none runs, the first one that has data begins, so that an old cluster comes back
 *       instead of a second one being made; when none has data, the first host does. The others are
 *       started once that one answers, so that none ever waits for a node that did not come.
 *   U4  Nodes of another version are replaced one after the other, each only when the cluster is
 *       complete again: it keeps its majority all the time.
 */
import { type Fault, fault, isFault, sleep } from '../core/index.ts';
import { FarHost } from './far-host.ts';
import { selfOf, troubles, type View } from './health.ts';
import type { Host } from './host.ts';
import { inParallel } from './in-parallel.ts';
import { type ClusterKeyFile, chooseKey, type KeyChoice } from './key-choice.ts';
import type { Program } from './program.ts';
import type { Progress } from './progress.ts';
import type { SessionOptions } from './ssh-session.ts';
import { UpWork } from './up-work.ts';

const HOSTS_AT_ONCE = 10;
const HEALTHY_MS = 60_000;
const POLL_MS = 250;
/** Of a long list of what is missing, so many are told. */
const TROUBLES_SHOWN = 4;

export interface UpRequest {
  readonly hosts: readonly Host[];
  readonly program: Program;
  readonly key: KeyChoice;
  /** replace nodes that run another version */
  readonly restart: boolean;
  /** bring the program only to hosts where no node runs */
  readonly onlyMissing: boolean;
  readonly voters: number;
  readonly session: SessionOptions;
  readonly healthyMs?: number;
  readonly onProgress: (progress: Progress) => void;
}

export interface UpRow {
  readonly host: string;
  readonly address: string | null;
  /** id of its node */
  readonly id: string | null;
  readonly state: 'healthy' | 'incomplete' | 'failed';
  /** of the node that runs */
  readonly version: string | null;
  readonly action: string;
  readonly ms: number;
  readonly failure: Fault | null;
}

export interface UpResult {
  readonly rows: readonly UpRow[];
  /** the key that its nodes have; null when they have none */
  readonly key: ClusterKeyFile | null;
  /** why the nodes that run are not a whole cluster; null when they are */
  readonly problem: Fault | null;
}

/** One host on its way. */
interface Place {
  readonly work: UpWork;
  readonly startedAt: number;
  endedAt: number;
  failure: Fault | null;
  id: string | null;
}

/**
 * Does what is missing until every host that can runs a node and these are one cluster.
 * @throws KEY_FILE_*, PROVISION_INTERRUPTED; what goes wrong with one host is in its row
 */
export async function ensureUp(request: UpRequest): Promise<UpResult> {
  return new Up(request).run();
}

class Up {
  readonly #request: UpRequest;
  readonly #places: readonly Place[];
  #key: ClusterKeyFile | null = null;
  #problem: Fault | null = null;

  constructor(request: UpRequest) {
    this.#request = request;
    const now = request.session.clock.now();
    this.#places = request.hosts.map((host) => ({
      work: new UpWork(new FarHost(host, request.session), request),
      startedAt: now,
      endedAt: now,
      failure: null,
      id: null,
    }));
  }

  async run(): Promise<UpResult> {
    try {
      await this.#each((work) => work.look());
      const needed = this.#good.some(({ work }) => work.needsKey);
      this.#key = await chooseKey(this.#request.key, needed);
      await this.#each((work) => work.deploy(this.#key));
      await this.#begin();
      const running = this.#running;
      await this.#each((work) => work.start(addressesBut(work, running), this.#key !== null));
      await this.#untilWhole();
      await this.#restartOneByOne();
    } finally {
      for (const { work } of this.#places) work.far.close();
    }
    if (this.#request.session.signal.aborted) throw this.#interrupted();
    return {
      rows: this.#places.map((place) => this.#row(place)),
      key: this.#key,
      problem: this.#problem,
    };
  }

  get #good(): Place[] {
    return this.#places.filter(({ failure }) => failure === null);
  }

  #interrupted(): Fault {
    return fault('PROVISION_INTERRUPTED', {
      host: this.#places.map(({ work }) => work.name).join(', '),
    });
  }

  async #each(step: (work: UpWork) => Promise<void>): Promise<void> {
    await inParallel(this.#good, HOSTS_AT_ONCE, (place) => this.#trying(place, step));
  }

  /** Does `step` for one host; its failure is the host's. */
  async #trying<T>(place: Place, step: (work: UpWork) => Promise<T>): Promise<T | null> {
    const { clock } = this.#request.session;
    try {
      return await step(place.work);
    } catch (error) {
      if (!isFault(error)) throw error;
      place.failure = error;
      this.#request.onProgress({ host: place.work.name, step: error.message, final: true });
      return null;
    } finally {
      place.endedAt = clock.now();
    }
  }

  get #running(): UpWork[] {
    return this.#good.map(({ work }) => work).filter((work) => work.isRunning);
  }

  /** Sees to it that one node runs, which the others can join (U3). */
  async #begin(): Promise<void> {
    while (this.#running.length === 0 && !this.#request.session.signal.aborted) {
      const first = this.#good.find(({ work }) => work.hasData) ?? this.#good.at(0);
      if (first === undefined) return;
      await this.#trying(first, async (work) => {
        await work.start([], this.#key !== null);
        await work.untilAnswers();
      });
    }
  }

  /** Waits until all that run list each other and know a leader. */
  async #untilWhole(): Promise<void> {
    const { session, healthyMs = HEALTHY_MS } = this.#request;
    const deadline = session.clock.now() + healthyMs;
    for (const { work } of this.#good) work.say('joining');
    for (;;) {
      const views = await this.#views();
      const missing = troubles(views);
      if (missing.length === 0 || session.signal.aborted) break;
      if (session.clock.now() >= deadline) {
        this.#problem = fault('CLUSTER_INCOMPLETE', {
          seconds: Math.round(healthyMs / 1000),
          problems: missing.slice(0, TROUBLES_SHOWN).join(', '),
        });
        break;
      }
      await sleep(session.clock, POLL_MS, session.signal);
    }
  }

  async #views(): Promise<View[]> {
    const places = this.#good;
    const views = await inParallel(places, HOSTS_AT_ONCE, async (place) => {
      const view = await this.#trying(place, (work) => work.view());
      if (view !== null) place.id = selfOf(view)?.id ?? null;
      return view;
    });
    return views.filter((view) => view !== null);
  }

  async #restartOneByOne(): Promise<void> {
    for (const place of this.#good.filter(({ work }) => work.wantsRestart)) {
      if (this.#problem !== null) return;
      const seeds = addressesBut(place.work, this.#running);
      await this.#trying(place, (work) => work.restart(seeds, this.#key !== null));
      await this.#untilWhole();
    }
  }

  #row({ work, failure, startedAt, endedAt, id }: Place): UpRow {
    const state = failure !== null ? 'failed' : this.#problem === null ? 'healthy' : 'incomplete';
    const { name, address, version, action } = work;
    if (failure === null) this.#request.onProgress({ host: name, step: state, final: true });
    return {
      host: name,
      address,
      id,
      state,
      version,
      action,
      ms: Math.round(endedAt - startedAt),
      failure,
    };
  }
}

function addressesBut(work: UpWork, works: readonly UpWork[]): string[] {
  return works
    .filter((other) => other !== work)
    .map(({ address }) => address)
    .filter((address) => address !== null);
}
