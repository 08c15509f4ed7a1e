/** Several real voters in one process, under one clock that moves when told. */
import { setImmediate } from 'node:timers/promises';
import { VoterLog, type VoterOptions } from '../../../src/control/index.ts';
import { present, seededRandom, silentLog } from '../../../src/core/index.ts';
import type { Members } from '../../../src/raft/index.ts';
import {
  type Connection,
  dispatch,
  InProcessHub,
  InProcessTransport,
  type Listener,
} from '../../../src/transport/index.ts';
import { SimDisk } from '../../sim/sim-disk.ts';
import { ManualClock } from '../../transport/helpers/manual-clock.ts';
import { Switchboard } from './switchboard.ts';

const STEP_MS = 10;

export class TestVoter {
  readonly name: string;
  readonly disk: SimDisk;
  readonly roles: string[] = [];
  #group: Voters;
  #log: VoterLog | null = null;
  #listener: Listener | null = null;
  #life = { ended: false };
  #accepted: Connection[] = [];

  constructor(group: Voters, name: string) {
    this.#group = group;
    this.name = name;
    this.disk = new SimDisk({ random: seededRandom(group.seed + Number(name.slice(1))) });
  }

  get log(): VoterLog {
    return present(this.#log, `${this.name} runs`);
  }

  get running(): boolean {
    return this.#log !== null;
  }

  async open(begin: VoterOptions['begin'], more: Partial<VoterOptions> = {}): Promise<VoterLog> {
    const { hub, clock, board, seed } = this.#group;
    const life = { ended: false };
    this.#life = life;
    const identity = { node: `${this.name}#x`, role: 'node', term: () => 0 } as const;
    const transport = new InProcessTransport({ hub, identity, clock });
    const log = await VoterLog.open({
      disk: this.disk.mount(),
      dir: '/data/control',
      sync: 'group',
      clock,
      log: silentLog,
      random: seededRandom(seed * 31 + Number(this.name.slice(1)) + clock.now()),
      transport: board.through(transport, this.name, () => life.ended),
      address: this.name,
      begin,
      id: this.name,
      ...more,
    });
    log.onRole((role) => this.roles.push(role.kind));
    this.#listener = await transport.listen(this.name, (connection) => {
      this.#accepted.push(connection);
      dispatch(connection, [log.receiver(connection)]);
    });
    this.#log = log;
    return log;
  }

  /** As SIGKILL does; with `power`, as a power cut does. */
  async kill(power = false): Promise<void> {
    this.#life.ended = true;
    if (power) this.disk.crash();
    else this.disk.kill();
    await this.#listener?.close();
    for (const connection of this.#accepted.splice(0)) connection.close();
    // The object is of no process any more; what it still does reaches nobody.
    this.log.close().catch(() => undefined);
    this.#log = null;
  }

  async close(): Promise<void> {
    await this.#listener?.close();
    const log = this.#log;
    this.#log = null;
    await log?.close();
  }
}

export class Voters {
  readonly hub = new InProcessHub();
  readonly clock = new ManualClock();
  readonly board = new Switchboard();
  readonly voters = new Map<string, TestVoter>();
  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** A group that begins with `count` voters, `v1`, `v2`, ... */
  static async start(
    seed: number,
    count: number,
    more: Partial<VoterOptions> = {},
  ): Promise<Voters> {
    const group = new Voters(seed);
    const names = Array.from({ length: count }, (_, i) => `v${i + 1}`);
    const members: Members = names.map((id) => ({ id, address: id, votes: true }));
    for (const name of names) await group.add(name, members, more);
    return group;
  }

  async add(
    name: string,
    begin: VoterOptions['begin'],
    more: Partial<VoterOptions> = {},
  ): Promise<TestVoter> {
    const voter = this.voters.get(name) ?? new TestVoter(this, name);
    this.voters.set(name, voter);
    await voter.open(begin, more);
    return voter;
  }

  voter(name: string): TestVoter {
    return present(this.voters.get(name), `there is a voter ${name}`);
  }

  get names(): string[] {
    return [...this.voters.keys()];
  }

  get running(): TestVoter[] {
    return [...this.voters.values()].filter((voter) => voter.running);
  }

  /** Who leads, of those that are not in `except`. */
  leaderBut(...except: readonly string[]): TestVoter | null {
    const leads = this.running.filter(
      ({ name, log }) => log.role.kind === 'leader' && !except.includes(name),
    );
    return leads.toSorted((a, b) => b.log.term - a.log.term).at(0) ?? null;
  }

  async leader(...except: readonly string[]): Promise<TestVoter> {
    await this.until(() => this.leaderBut(...except) !== null);
    return present(this.leaderBut(...except), 'waited for');
  }

  /** Lets time pass until `done`. @throws when that takes more than `ms` */
  async until(done: () => boolean, ms = 30_000): Promise<number> {
    const began = this.clock.now();
    while (!done()) {
      if (this.clock.now() - began > ms) throw new Error(`it did not come to that in ${ms} ms`);
      await this.pass(STEP_MS);
    }
    return this.clock.now() - began;
  }

  /** Lets `ms` pass. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      this.clock.advance(STEP_MS);
      // Messages take a turn of the event loop each.
      for (let turn = 0; turn < 6; turn++) await setImmediate();
    }
  }

  /** What `promise` comes to while time passes. */
  async settle<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
    let settled = false;
    const result = Promise.allSettled([promise]).then(([outcome]) => {
      settled = true;
      return outcome;
    });
    await this.until(() => settled);
    return result;
  }

  /** The value of `promise`, while time passes. */
  async value<T>(promise: Promise<T>): Promise<T> {
    await this.settle(promise);
    return promise;
  }

  async close(): Promise<void> {
    const all = Promise.all(this.running.map((voter) => voter.close()));
    await this.settle(all);
  }
}
