/**
 * The control log of a cluster with one voter: agreement is one durable append.
 *
 * 1. A command takes effect (in `state`, for listeners, for the proposer) only after its entry is
 *    durable, and in the order of the entries.
 * 2. Each open begins a new term, durably, before `open` resolves: what an earlier process decided
 *    late is refused by its term.
 * 3. `#tail` is the state with every appended entry, durable or not. Only segment headers see it:
 *    the header of a segment is the state before its first entry, so a segment and its header need
 *    no older segment, and older ones are trimmed once the first entry of the new one is durable.
 * 4. Entries are numbered without gap. Replay checks the numbers and the schema of every entry; what
 *    does not fit is a fault, never skipped.
 * 5. The first failed append ends the log: what follows might otherwise become durable without what
 *    came before. Everything waiting is rejected, and so is every later proposal.
 */
import {
  assert,
  type Clock,
  failpoint,
  fault,
  type Logger,
  type Random,
  reasonOf,
  systemRandom,
} from '../core/index.ts';
import { type Disk, SegmentedLog, type SyncMode } from '../storage/index.ts';
import { decodeCbor, encodeCbor } from '../wire/index.ts';
import { type Command, type Entry, entrySchema, type Outcome } from './command.ts';
import type { Applied, ControlLog, Role } from './control-log.ts';
import { restore, snapshot } from './snapshot.ts';
import { apply, type ControlState, emptyState } from './state.ts';

export interface SingleVoterOptions {
  readonly disk: Disk;
  /** The log's own folder. */
  readonly dir: string;
  readonly sync: SyncMode;
  readonly clock: Clock;
  readonly log: Logger;
  /** When a new segment begins; smaller in tests. */
  readonly segmentBytes?: number;
  /** For the names of segments; the system's by default. */
  readonly random?: Random;
}

/** Decisions are small and rare; a small segment keeps replay short. */
const SEGMENT_BYTES = 4 * 1024 * 1024;

/** A `ControlLog` that is alone. */
export class SingleVoterLog implements ControlLog {
  readonly #log: SegmentedLog;
  readonly #logger: Logger;
  readonly #view: { tail: ControlState; rolled: boolean };
  readonly #listeners = new Set<(applied: Applied) => void>();
  readonly #roleListeners = new Set<(role: Role) => void>();
  #applied: ControlState;
  #role: Role;
  /** Settles when every entry so far has been applied or has failed. */
  #turn: Promise<void> = Promise.resolve();

  /**
   * Opens the log in `dir`, replays it and begins the next term.
   * @throws Fault CONTROL_LOG_INVALID when an entry cannot be read; the disk's own faults
   */
  static async open(options: SingleVoterOptions): Promise<SingleVoterLog> {
    const {
      disk,
      dir,
      sync,
      clock,
      log,
      segmentBytes = SEGMENT_BYTES,
      random = systemRandom,
    } = options;
    const view = { tail: emptyState, rolled: false };
    const header = (): Uint8Array => {
      view.rolled = true;
      return snapshot(view.tail);
    };
    const segments = await SegmentedLog.open({
      disk,
      dir,
      sync,
      segmentBytes,
      header,
      log,
      random,
    });
    view.tail = await replay(segments, dir);
    const opened = new SingleVoterLog(segments, view, log);
    const outcome = await opened.propose({
      kind: 'term-begin',
      term: opened.term,
      at: clock.wall(),
    });
    assert(outcome.ok, 'a new term is newer than every term of the log');
    log.info('control log opened', { term: opened.term, entries: opened.state.index });
    return opened;
  }

  private constructor(
    log: SegmentedLog,
    view: { tail: ControlState; rolled: boolean },
    logger: Logger,
  ) {
    this.#log = log;
    this.#view = view;
    this.#logger = logger;
    this.#applied = view.tail;
    this.#role = { kind: 'leader', term: view.tail.term + 1 };
  }

  get state(): ControlState {
    return this.#applied;
  }

  get role(): Role {
    return this.#role;
  }

  get term(): number {
    return this.#role.kind === 'leader' ? this.#role.term : this.#applied.term;
  }

  async propose(command: Command): Promise<Outcome> {
    if (this.#role.kind !== 'leader')
      throw fault('CONTROL_UNAVAILABLE', { reason: this.#role.kind });
    const { state, outcome } = apply(this.#view.tail, command);
    const entry: Entry = { index: state.index, term: this.term, command };
    const { index, durable } = this.#append(entry);
    this.#view.tail = state;
    const rolled = this.#view.rolled;
    this.#view.rolled = false;
    failpoint('control.proposed-not-durable');
    const turn = this.#turn.then(async () => {
      await durable;
      failpoint('control.durable-not-applied');
      this.#publish({ index: entry.index, command, outcome, state });
      if (rolled) this.#trim(index);
    });
    this.#turn = turn.catch((error: unknown) => this.#fail(error));
    await turn;
    return outcome;
  }

  async read(): Promise<ControlState> {
    if (this.#role.kind !== 'leader')
      throw fault('CONTROL_UNAVAILABLE', { reason: this.#role.kind });
    await this.#turn;
    return this.#applied;
  }

  subscribe(listener: (applied: Applied) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Nothing is ever jumped over: nobody else decides. */
  onRestore(): () => void {
    return () => undefined;
  }

  onRole(listener: (role: Role) => void): () => void {
    this.#roleListeners.add(listener);
    return () => this.#roleListeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#role.kind === 'leader') this.#become({ kind: 'closed' });
    await this.#turn;
    await this.#log.close();
  }

  #append(entry: Entry): { index: number; durable: Promise<void> } {
    const appended = this.#log.append([encodeCbor(entrySchema.parse(entry))]);
    // Awaited in turn; until then a rejection must not count as unhandled.
    appended.durable.catch(() => undefined);
    return appended;
  }

  /** Old segments are only space: a failure to free them is told, not suffered. */
  #trim(index: number): void {
    this.#log.trim(index).catch((error: unknown) => {
      this.#logger.warn('old control segments stay', { reason: reasonOf(error) });
    });
  }

  #publish(applied: Applied): void {
    this.#applied = applied.state;
    for (const listener of [...this.#listeners]) listener(applied);
  }

  #fail(error: unknown): void {
    this.#logger.error('the control log failed', { reason: reasonOf(error) });
    if (this.#role.kind !== 'failed') this.#become({ kind: 'failed', reason: error });
  }

  #become(role: Role): void {
    this.#role = role;
    for (const listener of [...this.#roleListeners]) listener(role);
  }
}

async function replay(log: SegmentedLog, dir: string): Promise<ControlState> {
  try {
    let state = log.header === null ? emptyState : restore(log.header);
    for await (const { payload } of log.replay()) {
      const { index, command } = entrySchema.parse(decodeCbor(payload));
      assert(index === state.index + 1, `entry ${index} follows entry ${state.index}`);
      state = apply(state, command).state;
    }
    return state;
  } catch (error) {
    await log.close();
    throw fault('CONTROL_LOG_INVALID', { dir, reason: reasonOf(error) }, error);
  }
}
