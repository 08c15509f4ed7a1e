/** What voters say to each other, and the commands in it. */
import { fault, reasonOf } from '../core/index.ts';
import { decodeMembers, type RaftMessage } from '../raft/index.ts';
import { decodeCbor, type Message, scanCbor } from '../wire/index.ts';
import { type Command, commandSchema } from './command.ts';

/** The type of an entry that changes the members, as in the grammar of `log-append`. */
const MEMBERS = 2;

const kinds: ReadonlySet<Message['kind']> = new Set<RaftMessage['kind']>([
  'vote-request',
  'vote',
  'log-append',
  'log-append-reply',
  'log-snapshot',
  'log-snapshot-ack',
  'timeout-now',
  'read-index',
  'read-index-reply',
  'log-propose',
  'log-propose-reply',
]);

/** True when `message` is for a voter. */
export function isRaft(message: Message): message is RaftMessage {
  return kinds.has(message.kind);
}

/**
 * Looks into what a peer sent, before it can get into the log.
 * @throws Fault WIRE_INVALID when a command or a list of members is none
 */
export function checkMessage(message: RaftMessage): void {
  if (message.kind === 'log-propose') {
    check('a command', message.data, (data) => commandSchema.parse(decodeCbor(data)));
  } else if (message.kind === 'log-append') {
    for (const [, type, data] of message.entries) {
      if (type === MEMBERS) check('a list of members', data, decodeMembers);
    }
  }
}

function check(what: string, data: Uint8Array, read: (data: Uint8Array) => unknown): void {
  const problem = scanCbor(data);
  if (problem !== null) throw fault('WIRE_INVALID', { problem: `${what} has ${problem}` });
  try {
    read(data);
  } catch (error) {
    throw fault('WIRE_INVALID', { problem: `${what}: ${reasonOf(error)}` }, error);
  }
}

/** A command of the log in `dir`. @throws Fault CONTROL_LOG_INVALID when it is none */
export function readCommand(data: Uint8Array, dir: string): Command {
  try {
    return commandSchema.parse(decodeCbor(data));
  } catch (error) {
    throw fault('CONTROL_LOG_INVALID', { dir, reason: reasonOf(error) }, error);
  }
}
