import test, { type ExecutionContext } from 'ava';
import { type Command, VoterLog } from '../../src/control/index.ts';
import { seededRandom, silentLog, systemClock } from '../../src/core/index.ts';
import type { Members } from '../../src/raft/index.ts';
import {
  type Connection,
  dispatch,
  type Identity,
  type Listener,
  TcpTransport,
} from '../../src/transport/index.ts';
import type { Message } from '../../src/wire/index.ts';
import { SimDisk } from '../sim/sim-disk.ts';
import { RawPeer } from '../transport/helpers/raw-peer.ts';

interface Host {
  readonly id: string;
  readonly transport: TcpTransport;
  readonly listener: Listener;
  readonly accepted: Connection[];
  readonly serve: { log: VoterLog | null };
}

/** A node that listens, and will serve a voter. */
async function host(t: ExecutionContext, id: string): Promise<Host> {
  const identity: Identity = { node: `${id}#x`, role: 'node', term: () => 0 };
  const transport = new TcpTransport({ identity, clock: systemClock });
  const accepted: Connection[] = [];
  const serve: Host['serve'] = { log: null };
  const listener = await transport.listen('127.0.0.1:0', (connection) => {
    accepted.push(connection);
    if (serve.log === null) connection.close();
    else dispatch(connection, [serve.log.receiver(connection)]);
  });
  t.teardown(() => listener.close());
  return { id, transport, listener, accepted, serve };
}

async function open(t: ExecutionContext, to: Host, members: Members): Promise<VoterLog> {
  const seed = Number(to.id.slice(1));
  const log = await VoterLog.open({
    disk: new SimDisk({ random: seededRandom(seed) }).mount(),
    dir: '/data/control',
    sync: 'group',
    clock: systemClock,
    log: silentLog,
    random: seededRandom(seed),
    transport: to.transport,
    address: to.listener.address,
    begin: members,
    id: to.id,
  });
  to.serve.log = log;
  t.teardown(() => log.close());
  return log;
}

async function group(t: ExecutionContext, ids: readonly string[]): Promise<Host[]> {
  const hosts: Host[] = [];
  for (const id of ids) hosts.push(await host(t, id));
  const members = hosts.map(({ id, listener }) => ({ id, address: listener.address, votes: true }));
  for (const each of hosts) await open(t, each, members);
  return hosts;
}

function admit(term: number, k: number): Command {
  return { kind: 'node-admit', term, node: `h${k}:1#a`, address: `h${k}:1`, cores: k, at: 1 };
}

/** Resolves with the first of `logs` that leads. */
function leaderOf(logs: readonly VoterLog[]): Promise<VoterLog> {
  const { promise, resolve } = Promise.withResolvers<VoterLog>();
  for (const log of logs) {
    if (log.role.kind === 'leader') resolve(log);
    log.onRole(({ kind }) => {
      if (kind === 'leader') resolve(log);
    });
  }
  return promise;
}

test('over TCP a closed leader is replaced and a follower reads what it decided', async (t) => {
  const hosts = await group(t, ['v1', 'v2', 'v3']);
  const logs = hosts.flatMap(({ serve }) => (serve.log === null ? [] : [serve.log]));
  const leader = await leaderOf(logs);
  const others = logs.filter((log) => log !== leader);
  const outcomes = logs.map((log, k) => log.propose(admit(leader.term, k)));
  for (const outcome of await Promise.all(outcomes)) t.true(outcome.ok);
  t.is((await others[0].read()).nodes.size, 3);
  const { term } = leader;
  const died = hosts.find(({ serve }) => serve.log === leader);
  await leader.close();
  for (const connection of died?.accepted ?? []) connection.close();
  const next = await leaderOf(others);
  t.true(next.term > term);
  t.true((await next.propose(admit(next.term, 3))).ok);
  for (const log of others) t.is((await log.read()).nodes.size, 4);
});

test('a client that speaks like a voter, and a voter that proposes nonsense, are cut off', async (t) => {
  const [alone] = await group(t, ['v1']);
  const log = alone.serve.log;
  if (log === null) return t.fail();
  await leaderOf([log]);
  const say = async (role: 'client' | 'node', message: Message): Promise<string> => {
    const peer = await RawPeer.to(t, alone.listener.address);
    peer.say({ kind: 'hello', versions: [1, 1], node: 'x:1#y', role, term: 0 });
    await peer.until(1);
    peer.say(message);
    await peer.ended;
    const last = peer.messages.at(-1);
    return last?.kind === 'goodbye' ? (last.fault?.message ?? '') : '';
  };
  const voter = { from: 'v9', to: 'v1', term: log.newestTerm + 1 };
  const data = Uint8Array.of(0xa1, 0x61, 0x6b, 0x01);
  const proposal = { kind: 'log-propose', ...voter, id: 1, data } as const;
  const before = { prevIndex: 0, prevTerm: 0, commit: 0, round: 0 };
  const append = { kind: 'log-append', ...voter, ...before } as const;
  t.regex(await say('client', proposal), /log-propose is not expected here/);
  t.regex(await say('node', proposal), /a command: /);
  t.regex(await say('node', { ...proposal, data: Uint8Array.of(0x9f) }), /indefinite/);
  t.regex(await say('node', { ...append, entries: [[1, 2, data]] }), /a list of members: /);
  t.is(log.state.index, 1);
  t.is(log.role.kind, 'leader');
});
