/** What voters say to each other, and the commands in it. */
import { fault, reasonOf } from '../core/index.ts';
import type { RaftMessage } from '../raft/index.ts';
import { decodeCbor, type Message, scanCbor } from '../wire/index.ts';
import { type Command, commandSchema } from './command.ts';

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

/** @throws Fault WIRE_INVALID when a peer's bytes are no command */
export function checkCommand(data: Uint8Array): void {
  const problem = scanCbor(data);
  if (problem !== null) throw fault('WIRE_INVALID', { problem: `a command has ${problem}` });
  try {
    commandSchema.parse(decodeCbor(data));
  } catch (error) {
    throw fault('WIRE_INVALID', { problem: `a command: ${reasonOf(error)}` }, error);
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
