import type { Command, Outcome } from './command.ts';
import type { ControlState } from './state.ts';

/** What this process is in the group of voters. */
export type Role =
  | { readonly kind: 'leader'; readonly term: number }
  | { readonly kind: 'follower'; readonly term: number; readonly leader: string | null }
  | { readonly kind: 'failed'; readonly reason: unknown }
  | { readonly kind: 'closed' };

/** One entry that has taken effect. `state` is the state right after it. */
export interface Applied {
  readonly index: number;
  readonly command: Command;
  readonly outcome: Outcome;
  readonly state: ControlState;
}

/**
 * The log of decisions as the leader sees it. One voter and several voters look the same.
 *
 * A command whose promise resolved is durable and applied, in this process, in log order. A command
 * whose promise rejected may or may not take effect later: only the state tells.
 */
export interface ControlLog {
  /** After the last applied entry. Immutable. */
  readonly state: ControlState;
  readonly role: Role;
  readonly term: number;
  /**
   * Appends `command`; resolves with its outcome once it is durable and applied.
   * @throws Fault CONTROL_UNAVAILABLE when this process is not the leader, or the log has failed
   */
  propose(command: Command): Promise<Outcome>;
  /**
   * The state, as new as this call: it holds every decision that anybody has heard of by now.
   * @throws Fault CONTROL_UNAVAILABLE when no leader can be asked in time, or the log has failed
   */
  read(): Promise<ControlState>;
  /** Calls `listener` with each entry from now on, in order. Returns the way to end it. */
  subscribe(listener: (applied: Applied) => void): () => void;
  /** Calls `listener` when the state has jumped over entries. Returns the way to end it. */
  onRestore(listener: (state: ControlState) => void): () => void;
  /** Calls `listener` at each change of `role`. Returns the way to end it. */
  onRole(listener: (role: Role) => void): () => void;
  /** Waits for what has been proposed, then lets go of the disk. */
  close(): Promise<void>;
}
