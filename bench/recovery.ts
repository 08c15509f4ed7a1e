/**
 * What a dead node costs a running job: six real nodes, a job of four tasks at a steady rate, SIGKILLs
 * of nodes that run one of its tasks. From the signal until: the leader has given the tasks up
 * (detection), new attempts of all of them have begun, they read their logs (the fence is in the
 * opening of a log), they run again; and the longest time without a new byte in the destination. To
 * reach: p50 of the gap at most 3 s, p99 at most 6 s. The result is checked by the oracle.
 *
 *   node bench/recovery.ts [--small] [--kills N]
 *
 * Before each kill the destination has grown steadily; the signal is seen in how the process ended.
 */
import { parseArgs } from 'node:util';
import { sleep, systemClock } from '../src/core/index.ts';
import type { TaskView } from '../src/leader/index.ts';
import { reachService, type Service } from '../src/node/index.ts';
import { Cluster } from '../test/cluster/cluster.ts';
import { ClusterJob } from '../test/cluster/cluster-job.ts';
import { until } from '../test/helpers/poll.ts';
import { machineLine, print, printTable } from './harness.ts';

const { values } = parseArgs({
  options: { small: { type: 'boolean', default: false }, kills: { type: 'string' } },
});
const KILLS = Number(values.kills ?? (values.small ? 2 : 50));
const NODES = 6;
/** The stage of the job whose operator counts: its state is rebuilt by replay. */
const STATEFUL = 'count';
const RATE = 1000;
/** Lines for each kill: the way back to six nodes takes a while. */
const LINES_PER_KILL = 15_000;
/** Lines that are left when the last kill has to begin, so that the job does not end in it. */
const LINES_LEFT = 25_000;
const LOOK_MS = 20;
/** A gap is over when the destination has grown, and all tasks have run, for so long. */
const STEADY_MS = 1500;
/** Before a kill the destination has grown at least that often for `STEADY_MS`. */
const STILL_MS = 250;
/** How long a job may take to come to rest in that sense. */
const CALM_MS = 60_000;

/** Milliseconds from the signal; `before` is the longest time without output before it. */
interface Recovery {
  readonly before: number;
  readonly lost: number;
  readonly begun: number;
  readonly recovering: number;
  readonly running: number;
  readonly gap: number;
}

interface Killed {
  readonly recovery: Recovery;
  /** The node led. */
  readonly leader: boolean;
  /** It ran the task whose operator has to be given all its inputs again. */
  readonly state: boolean;
}

/** A new node in the place of the one that died, and all copies whole again. */
async function refill(): Promise<void> {
  const places = Array.from({ length: NODES }, (_, i) => i + 1);
  const taken = new Set(cluster.living.map(({ address }) => address));
  const empty = places.find((place) => !taken.has(cluster.addressOf(place)));
  if (empty === undefined) throw new Error('no node has died');
  await cluster.start({ place: empty }).listening();
  await cluster.complete();
  await cluster.voters(5);
  await cluster.whole();
}

/** Kills a node with a task of the job, another stage each time, and watches what follows. */
async function kill(job: ClusterJob, round: number): Promise<Killed> {
  const tasks = await job.tasks();
  const victim = tasks[round % tasks.length];
  const node = cluster.living.find(({ address }) => address === victim.vm);
  if (node === undefined) throw new Error(`${victim.name} runs at no node that lives`);
  const leader = (await cluster.leader()) === node;
  const there = tasks.filter(({ vm }) => vm === node.address);
  const witness = cluster.living.find((each) => each !== node);
  if (witness === undefined) throw new Error('nobody is left to watch');
  const eye = await reachService(witness.data, { make: false });
  try {
    const output = new Output(eye, `${job.title}.txt`);
    const before = await output.calm();
    const since = systemClock.now();
    node.signal('SIGKILL');
    const gone = node.ended;
    const gap = output.gap(since);
    const times = await watch(eye, { job: job.title, tasks: there, since });
    const recovery = { before, ...times, gap: await gap.end() };
    const { signal } = await gone;
    if (signal !== 'SIGKILL') throw new Error(`${node.address} ended by ${signal}`);
    const says = Object.entries(recovery).map(([what, ms]) => `${what} ${ms.toFixed(0)}`);
    const stages = there.map(({ stageName }) => stageName).join(' ');
    print(`kill ${round + 1} (${stages}${leader ? ', leader' : ''}): ${says.join('  ')} ms`);
    return { recovery, leader, state: there.some(({ stageName }) => stageName === STATEFUL) };
  } finally {
    await eye.close();
  }
}

/** When all of `tasks` were seen in each later state. */
async function watch(
  eye: Service,
  options: { readonly job: string; readonly tasks: readonly TaskView[]; readonly since: number },
): Promise<Omit<Recovery, 'gap' | 'before'>> {
  const { job, tasks, since } = options;
  const times = { lost: 0, begun: 0, recovering: 0, running: 0 };
  while (times.running === 0) {
    const now = await eye.tasks(job).catch(() => []);
    const next = tasks.map((task) => now.find(({ name }) => name === task.name));
    const at = systemClock.now() - since;
    const all = (holds: (task: TaskView, i: number) => boolean): boolean =>
      next.every((task, i) => task !== undefined && holds(task, i));
    const isLater = ({ epoch }: TaskView, i: number): boolean => epoch > tasks[i].epoch;
    if (times.lost === 0 && next.some((task, i) => task !== undefined && isLater(task, i))) {
      times.lost = at;
    }
    const after = (states: readonly string[]): boolean =>
      all((task, i) => isLater(task, i) && states.includes(task.state));
    if (times.begun === 0 && all(isLater)) times.begun = at;
    if (times.recovering === 0 && after(['recovering', 'running'])) times.recovering = at;
    if (after(['running'])) times.running = at;
    await sleep(systemClock, LOOK_MS);
  }
  return times;
}

/** The destination as a node that lives sees it grow. */
class Output {
  readonly #eye: Service;
  readonly #name: string;
  #last = -1;

  constructor(eye: Service, name: string) {
    this.#eye = eye;
    this.#name = name;
  }

  /** Resolves when it has grown steadily for a while; the longest pause in it, milliseconds. */
  async calm(): Promise<number> {
    const deadline = systemClock.now() + CALM_MS;
    for (;;) {
      const pause = await this.#longestPause(systemClock.now() + STEADY_MS);
      if (pause <= STILL_MS) return pause;
      if (systemClock.now() > deadline) throw new Error('the job does not come to a steady rate');
    }
  }

  /** The longest pause from `since` until it has grown for a while after `end` was called. */
  gap(since: number): { end(): Promise<number> } {
    let end = Number.POSITIVE_INFINITY;
    const looking = this.#longestPause(() => end, since);
    return {
      end: () => {
        end = systemClock.now() + STEADY_MS;
        return looking;
      },
    };
  }

  /** Looks until a time at which it has grown lately. */
  async #longestPause(until: number | (() => number), since = systemClock.now()): Promise<number> {
    let grewAt = since;
    let longest = 0;
    for (;;) {
      const length = await this.#length();
      const now = systemClock.now();
      longest = Math.max(longest, now - grewAt);
      if (length > this.#last) grewAt = now;
      this.#last = Math.max(length, this.#last);
      const over = now >= (typeof until === 'number' ? until : until());
      if (over && now - grewAt <= STILL_MS) return longest;
      if (over && typeof until === 'number') return longest;
      await sleep(systemClock, LOOK_MS);
    }
  }

  async #length(): Promise<number> {
    return this.#eye.stat(this.#name).then(
      ({ length }) => length,
      () => this.#last,
    );
  }
}

function report(all: readonly Killed[]): void {
  print(machineLine());
  table('kills', all);
  table(
    'of the leader',
    all.filter(({ leader }) => leader),
  );
  table(
    'of tasks without state',
    all.filter(({ state }) => !state),
  );
  table(
    'of the one with state',
    all.filter(({ state }) => state),
  );
  print('promised: a gap of 3 s in the median and of 6 s at p99');
}

function table(title: string, kills: readonly Killed[]): void {
  if (kills.length === 0) return;
  const recoveries = kills.map(({ recovery }) => recovery);
  const rows = (Object.keys(names) as (keyof Recovery)[]).map((what) => {
    const sorted = recoveries.map((each) => each[what]).sort((a, b) => a - b);
    const at = (share: number): string => {
      const ms = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
      return `${(ms / 1000).toFixed(2)} s`;
    };
    return [names[what], at(0.5), at(0.9), at(0.99), at(1)];
  });
  printTable([`${title}: ${kills.length}`, 'p50', 'p90', 'p99', 'worst'], rows);
}

const names = {
  before: 'before: longest time without output',
  lost: 'given up by the leader, another node chosen',
  begun: 'new attempts of all its tasks',
  recovering: 'they hold their logs (fenced) and read them',
  running: 'they run again',
  gap: 'longest time without output',
} as const satisfies Record<keyof Recovery, string>;

const cluster = await Cluster.make(['--replace-after', '3s']);
try {
  await cluster.grow(NODES);
  await cluster.voters(5);
  await cluster.whole();
  const lines = KILLS * LINES_PER_KILL + LINES_LEFT;
  const job = await ClusterJob.submit(cluster, {
    name: 'count',
    seed: 1,
    lines,
    rate: RATE,
    tasks: 1,
  });
  await job.writes(1);
  const all: Killed[] = [];
  const left = async (): Promise<number> => lines - (await job.view()).stages[0].counts.in;
  while (all.length < KILLS && (await left()) > LINES_LEFT) {
    all.push(await kill(job, all.length));
    await refill();
  }
  report(all);
  await until(async () => (await job.view()).state === 'finished', {
    what: 'the end of the job',
    deadlineMs: (lines / RATE) * 1000,
  });
  print(await job.isExact());
  print('Not measured: a network, disks that fail, jobs with much state, nodes with much data.');
} finally {
  await cluster.close();
}
