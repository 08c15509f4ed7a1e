/**
 * raft: several voters agree on one log, whatever minority of them fails.
 *
 *   const store = await RaftStore.open({ disk, dir, sync: 'group', log, random,
 *     begin: (id) => [{ id, address, votes: true }] });
 *   const runner = new Runner({ store, owner, random });
 *   runner.take({ kind: 'tick' });                           // and again, some twenty times a second
 *   runner.take({ kind: 'message', message });               // whatever `owner.send` sent elsewhere
 *   runner.take({ kind: 'propose', id: 1, data });           // owner.answer, then owner.apply
 *
 * `step` is the whole of the protocol: a function of a state and an input, which a simulator drives
 * as it is. `RaftStore` makes what must not be forgotten durable, `Runner` carries out what a step
 * asks for in the order it asks. Time, the network and what the log means are the owner's.
 */
export { defaultLimits, ENTRY_BYTES_MAX, limitsWith, type RaftLimits } from './limits.ts';
export {
  agree,
  changed,
  decodeMembers,
  isVoter,
  MEMBERS_MAX,
  memberOf,
  quorumOf,
  votersOf,
} from './members.ts';
export type { Progress } from './progress.ts';
export { type Rules, soundRules } from './rules.ts';
export { type DurableLog, type Owner, Runner, type RunnerOptions } from './runner.ts';
export {
  emptySnapshot,
  initialState,
  type RaftOptions,
  type RaftState,
  type Role as RaftRole,
} from './state.ts';
export { step } from './step.ts';
export { RaftStore, type StoreOptions } from './store.ts';
export type {
  Answer,
  Change,
  Effects,
  Entry,
  EntryType,
  HardState,
  Held,
  Input,
  Member,
  Members,
  Persist,
  RaftMessage,
  Refused,
  Snapshot,
} from './types.ts';
