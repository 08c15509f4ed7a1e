/**
 * The promises of the agreement, checked from outside after every step of every voter.
 *
 * K1 Election safety: a term has at most one leader.
 * K2 Log matching: entries of equal index and term are equal, and so are the ones before them.
 * K3 Leader completeness: a leader has every entry that was decided in an earlier term.
 * K4 What was decided at an index stays decided there; every voter applies it, in order, once.
 * K5 States after the same entry are the same.
 */
import type { Entry, Persist, RaftState } from '../../src/raft/index.ts';

/** A promise that was broken. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

interface Decided {
  readonly term: number;
  readonly data: string;
  /** The term of the voter that knew it first. */
  readonly by: number;
}

export class RaftChecks {
  readonly #leaders = new Map<number, string>();
  readonly #entries = new Map<string, { readonly data: string; readonly before: number | null }>();
  readonly #decided: Decided[] = [];
  readonly #states = new Map<number, number>();
  readonly #seen = new WeakMap<RaftState, { commit: number; led: number }>();
  checks = 0;
  /** Snapshots that were taken over, changes of members that were decided. */
  snapshots = 0;
  memberships = 0;

  get decided(): number {
    return this.#decided.length;
  }

  get elections(): number {
    return this.#leaders.size;
  }

  /** K2. Looks at what `state` is about to make durable. */
  persisting(state: RaftState, { entries }: Persist): void {
    for (const { index, term, type, data } of entries) {
      const key = `${index}/${term}`;
      const said = { data: `${type} ${hex(data)}`, before: state.log.termAt(index - 1) };
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, said);
      else if (known.data !== said.data || known.before !== said.before) {
        throw new Broken(`log matching: two entries ${key} (${state.id})`);
      }
    }
  }

  /** K2. Looks at what a voter found on its disk. */
  recovered({ id, log, term }: RaftState): void {
    for (const entry of log.range(log.first, log.last)) {
      const known = this.#entries.get(`${entry.index}/${entry.term}`);
      const said = {
        data: `${entry.type} ${hex(entry.data)}`,
        before: log.termAt(entry.index - 1),
      };
      if (known?.data !== said.data || known.before !== said.before || entry.term > term) {
        throw new Broken(`recovery: ${id} found an entry ${entry.index}/${entry.term} of nobody`);
      }
    }
  }

  /** K1, K3, K4. Looks at a voter that has taken a step; `all` are those that run. */
  stepped(state: RaftState, all: Iterable<RaftState>): void {
    this.checks += 1;
    let seen = this.#seen.get(state);
    if (seen === undefined) {
      seen = { commit: state.log.first - 1, led: 0 };
      this.#seen.set(state, seen);
    }
    if (state.role.kind === 'leader' && seen.led !== state.term) {
      seen.led = state.term;
      this.#leads(state);
    }
    if (state.log.commit <= seen.commit) return;
    const from = Math.max(seen.commit + 1, state.log.first);
    for (const entry of state.log.range(from, state.log.commit)) this.#decides(state, entry, all);
    seen.commit = state.log.commit;
  }

  /** K4, K5. A voter has applied `entry`; the hash of its state is `hash`. */
  applied(id: string, { index, term }: Entry, previous: number, hash: number): void {
    if (index !== previous + 1) throw new Broken(`order: ${id} applied ${index} after ${previous}`);
    const decided = this.#decided[index];
    if (decided?.term !== term) throw new Broken(`safety: ${id} applied another entry ${index}`);
    this.#state(id, index, hash);
  }

  restored(id: string, index: number, hash: number): void {
    this.snapshots += 1;
    this.#state(id, index, hash);
  }

  #state(id: string, index: number, hash: number): void {
    const known = this.#states.get(index);
    if (known === undefined) this.#states.set(index, hash);
    else if (known !== hash) throw new Broken(`state: ${id} differs after entry ${index}`);
  }

  #leads(state: RaftState): void {
    const other = this.#leaders.get(state.term);
    if (other !== undefined && other !== state.id) {
      throw new Broken(`election safety: ${other} and ${state.id} lead term ${state.term}`);
    }
    this.#leaders.set(state.term, state.id);
    for (let index = state.log.first; index < this.#decided.length; index++) {
      const decided = this.#decided[index];
      if (decided !== undefined && decided.by < state.term) complete(state, index, decided);
    }
  }

  #decides(state: RaftState, entry: Entry, all: Iterable<RaftState>): void {
    const { index, term } = entry;
    const data = `${entry.type} ${hex(entry.data)}`;
    const known = this.#decided[index];
    if (known !== undefined) {
      if (known.term !== term || known.data !== data) {
        throw new Broken(`safety: ${state.id} decided another entry ${index}`);
      }
      return;
    }
    const decided = { term, data, by: state.term };
    this.#decided[index] = decided;
    if (entry.type === 'members') this.memberships += 1;
    for (const each of all) {
      if (each.role.kind === 'leader' && each.term > decided.by) complete(each, index, decided);
    }
  }
}

function complete(leader: RaftState, index: number, { term }: Decided): void {
  if (index < leader.log.first || leader.log.termAt(index) === term) return;
  throw new Broken(
    `leader completeness: ${leader.id}, leader of ${leader.term}, lacks decided entry ${index}`,
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
