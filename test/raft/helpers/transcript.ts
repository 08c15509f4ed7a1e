/**
 * Voters driven by lines of text, and what they do as lines of text.
 *
 *   group 3 [learners 1]      voters 1, 2, 3 (and learner 4), all at the start
 *   campaign 1                voter 1 stands for election
 *   tick 1 [n]                n ticks pass for voter 1
 *   deliver [a>b ...]         messages go, and the ones they cause, until all are quiet
 *   drop [a>b ...]            messages are lost; `*` stands for any voter
 *   propose 1 x | read 1 | transfer 1 2 | change 1 add|promote|remove 4
 *   crash 1 ... | restart 1   what was not durable is forgotten
 *   hold 1 | sync 1           the disk of 1 takes its time, until
 *   compact 1                 voter 1 drops its log but for a snapshot
 *   status | log
 *
 * With `quiet` behind a command its messages are not shown.
 */
import { seededRandom } from '../../../src/core/index.ts';
import {
  type Effects,
  emptySnapshot,
  type Input,
  initialState,
  type Members,
  type Persist,
  type RaftMessage,
  type RaftState,
  type Rules,
  step,
} from '../../../src/raft/index.ts';
import { addRecord, emptyImage, type Image } from '../../../src/raft/record.ts';
import { RaftChecks } from '../../sim/raft-checks.ts';
import { said } from './said.ts';

interface Voter {
  readonly image: Image;
  state: RaftState | null;
  /** Begun, not durable. */
  unsynced: Persist[];
  held: { readonly after: number; readonly message: RaftMessage }[];
  slow: boolean;
}

const DELIVERIES_MAX = 1000;

export class Transcript {
  readonly checks = new RaftChecks();
  readonly #rules: Partial<Rules>;
  readonly #voters = new Map<string, Voter>();
  #network: RaftMessage[] = [];
  #lines: string[] = [];
  #quiet = false;
  #ids = 0;

  constructor(rules: Partial<Rules> = {}) {
    this.#rules = rules;
  }

  /** Carries out one command; what happened. */
  run(line: string): string[] {
    const words = line.split(' ');
    this.#quiet = words.at(-1) === 'quiet';
    if (this.#quiet) words.pop();
    this.#lines = [];
    this.#command(words[0], words.slice(1));
    return this.#lines.length === 0 ? ['ok'] : this.#lines;
  }

  #command(command: string, words: string[]): void {
    const [id, what, ...rest] = words;
    switch (command) {
      case 'group':
        return this.#group(Number(id), Number(rest[0] ?? 0));
      case 'campaign':
        return this.#take(id, { kind: 'campaign' });
      case 'tick':
        for (let n = Number(what ?? 1); n > 0; n--) this.#take(id, { kind: 'tick' });
        return;
      case 'deliver':
        return this.#deliver(words);
      case 'drop':
        this.#network = this.#network.filter((message) => !matches(message, words));
        return;
      case 'propose':
        return this.#take(id, { kind: 'propose', id: ++this.#ids, data: Buffer.from(what) });
      case 'read':
        return this.#take(id, { kind: 'read', id: ++this.#ids });
      case 'transfer':
        return this.#take(id, { kind: 'transfer', to: what });
      case 'change':
        return this.#change(id, what, rest[0]);
      case 'crash':
        for (const each of words) this.#crash(each);
        return;
      case 'restart':
        return this.#restart(id);
      case 'hold':
        this.#voter(id).slow = true;
        return;
      case 'sync':
        this.#voter(id).slow = false;
        return this.#sync(id);
      case 'compact':
        return this.#compact(id);
      case 'status':
        return this.#status();
      case 'log':
        return this.#logs();
      default:
        throw new Error(`no such command: ${command}`);
    }
  }

  #voter(id: string): Voter {
    const voter = this.#voters.get(id);
    if (voter === undefined) throw new Error(`no such voter: ${id}`);
    return voter;
  }

  #group(voters: number, learners: number): void {
    const ids = Array.from({ length: voters + learners }, (_, i) => String(i + 1));
    const members: Members = ids.map((id, i) => ({ id, address: id, votes: i < voters }));
    for (const id of [...ids, String(ids.length + 1)]) {
      const image = emptyImage(id);
      if (ids.includes(id)) image.snapshot = { ...emptySnapshot, members };
      this.#voters.set(id, { image, state: null, unsynced: [], held: [], slow: false });
      this.#restart(id);
    }
  }

  #restart(id: string): void {
    const voter = this.#voter(id);
    const { hard, snapshot, entries } = voter.image;
    voter.state = initialState({
      id,
      random: seededRandom(Number(id)),
      rules: this.#rules,
      limits: { appendBytes: 40, chunkBytes: 8, keepEntries: 0, inflightAppends: 2 },
      hard,
      snapshot,
      entries: [...entries],
    });
  }

  #crash(id: string): void {
    const voter = this.#voter(id);
    voter.state = null;
    voter.unsynced = [];
    voter.held = [];
    voter.slow = false;
    this.#network = this.#network.filter(({ from }) => from !== id);
  }

  #take(id: string, input: Input): void {
    const voter = this.#voter(id);
    const { state } = voter;
    if (state === null) return;
    const was = `${state.role.kind} ${state.term} ${state.leader}`;
    const effects = step(state, input);
    const is = `${state.role.kind} ${state.term} ${state.leader}`;
    if (was !== is) {
      const leader = state.leader === null || state.leader === id ? '' : ` of ${state.leader}`;
      this.#lines.push(`${id} is ${state.role.kind} in term ${state.term}${leader}`);
    }
    this.#carryOut(id, voter, state, effects);
  }

  #carryOut(id: string, voter: Voter, state: RaftState, effects: Effects): void {
    const { send, persist, held, restore, apply, answers } = effects;
    this.#network.push(...send);
    if (persist !== null) {
      this.checks.persisting(state, persist);
      voter.unsynced.push(persist);
    }
    this.checks.stepped(state, this.#states());
    voter.held.push(...held);
    if (restore !== null) this.#lines.push(`${id} restores ${restore.index}/${restore.term}`);
    for (const { index, term, type, data } of apply) {
      const what = type === 'command' ? ` ${Buffer.from(data)}` : '';
      this.#lines.push(`${id} applies ${index}/${term} ${type}${what}`);
    }
    for (const answer of answers) {
      const { kind, id: _, ...facts } = answer;
      this.#lines.push(`${id} answers ${kind} ${Object.values(facts).join('/')}`.trimEnd());
    }
    if (!voter.slow) this.#sync(id);
  }

  *#states(): Iterable<RaftState> {
    for (const { state } of this.#voters.values()) if (state !== null) yield state;
  }

  #sync(id: string): void {
    const voter = this.#voter(id);
    const last = voter.unsynced.at(-1)?.seq;
    if (last === undefined) return;
    for (const persist of voter.unsynced.splice(0)) {
      if (!addRecord(voter.image, persist)) throw new Error('a record does not continue the log');
    }
    const ready = voter.held;
    voter.held = [];
    this.#network.push(...ready.map(({ message }) => message));
    this.#take(id, { kind: 'persisted', seq: last });
  }

  #deliver(paths: readonly string[]): void {
    for (let n = 0; n < DELIVERIES_MAX; n++) {
      const at = this.#network.findIndex((message) => matches(message, paths));
      if (at < 0) return;
      const [message] = this.#network.splice(at, 1);
      if (!this.#quiet) this.#lines.push(said(message));
      this.#take(message.to, { kind: 'message', message });
    }
    throw new Error('the messages do not end');
  }

  #change(id: string, kind: string, member: string): void {
    const number = ++this.#ids;
    if (kind === 'add') {
      const change = { kind, id: member, address: member } as const;
      this.#take(id, { kind: 'change', id: number, change });
    } else if (kind === 'promote' || kind === 'remove') {
      this.#take(id, { kind: 'change', id: number, change: { kind, id: member } });
    }
  }

  #compact(id: string): void {
    const { state } = this.#voter(id);
    if (state === null) return;
    const index = state.log.applied;
    this.#take(id, { kind: 'compact', index, data: Buffer.from(`state after ${index}`) });
  }

  #status(): void {
    for (const [id, { state }] of this.#voters) {
      if (state === null) this.#lines.push(`${id}: down`);
      else if (state.log.members.length > 0) {
        const { term, vote, role, log } = state;
        const members = log.members.map((m) => (m.votes ? m.id : `(${m.id})`)).join(' ');
        this.#lines.push(
          `${id}: ${role.kind} term ${term} vote ${vote ?? '-'} commit ${log.commit} members ${members}`,
        );
      }
    }
  }

  #logs(): void {
    for (const [id, { state }] of this.#voters) {
      if (state === null || state.log.members.length === 0) continue;
      const { log } = state;
      const entries = log.range(log.first, log.last).map(({ index, term, type, data }) => {
        const text = type === 'command' ? `:${Buffer.from(data)}` : type === 'members' ? ':m' : '';
        return `${index <= log.commit ? '' : '?'}${index}/${term}${text}`;
      });
      const before = log.first > 1 ? [`..${log.first - 1}`] : [];
      this.#lines.push(`${id}: ${[...before, ...entries].join(' ')}`.trimEnd());
    }
  }
}

function matches({ from, to }: RaftMessage, paths: readonly string[]): boolean {
  return (
    paths.length === 0 ||
    paths.some((path) => {
      const [a, b] = path.split('>');
      return (a === '*' || a === from) && (b === '*' || b === to);
    })
  );
}
