/**
 * One node: everything that a machine runs, in one process.
 *
 * Invariants
 *   N1  Exactly one process owns a data directory; everything else here begins after the lock.
 *   N2  Leader and worker meet only through the transport, also when both are here.
 *   N3  What was opened is closed in the opposite order, and only once.
 *   N4  A local node starts no job by itself: jobs that a crash interrupted rest until the same
 *       command comes again.
 */
import { chmod, mkdir, unlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { SingleVoterLog } from '../control/index.ts';
import {
  type Clock,
  fileLog,
  type Logger,
  type Random,
  randomId,
  reasonOf,
  systemClock,
  systemRandom,
} from '../core/index.ts';
import { LocalFileSystem } from '../hydfs/index.ts';
import { KernelPool } from '../kernels/index.ts';
import { Leader, type NodeFacts } from '../leader/index.ts';
import { bundledOperators, reapOrphans } from '../operator/index.ts';
import { lockDataDir, nodeDisk, type SyncMode } from '../storage/index.ts';
import {
  type Connection,
  dispatch,
  type Identity,
  InProcessHub,
  InProcessTransport,
  RpcServer,
  TcpTransport,
  type Transport,
} from '../transport/index.ts';
import { Worker } from '../worker/index.ts';
import { type DataDir, dataDir } from './data-dir.ts';
import { LocalCopies } from './local-copies.ts';
import { LocalJobs } from './local-jobs.ts';
import { LocalService } from './local-service.ts';
import { searchFolder } from './log-search.ts';
import { serviceMethods } from './methods.ts';
import type { LogSearch } from './node-logs.ts';
import { NodeTasks } from './node-tasks.ts';
import { OperatorCommands, pythonEnvironments } from './operators.ts';

/** What a node that is alone is called. */
const LOCAL = 'local';

export interface NodeOptions {
  readonly data: string;
  readonly sync?: SyncMode;
  /** threads of the kernel pool; 0 = none */
  readonly threads?: number;
  /** how tasks of this node reach each other */
  readonly transport?: 'in-process' | 'tcp';
  /** true: nothing is run here, jobs and files are only looked at; the node joins no leader */
  readonly idle?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
}

type Closer = () => Promise<void> | void;

/** A running node. `Node.open` starts it, `close` ends it. */
export class Node {
  readonly service: LocalService;
  readonly #close: Closer;

  private constructor(service: LocalService, close: Closer) {
    this.service = service;
    this.#close = close;
  }

  /**
   * Takes the data directory and starts everything.
   * @throws DATA_DIR_LOCKED, DATA_DIR_UNUSABLE, LOG_CORRUPT, DISK_FAILED, DISK_FULL
   */
  static async open(options: NodeOptions): Promise<Node> {
    const closers: Closer[] = [];
    let closing: Promise<void> | null = null;
    const close = (): Promise<void> => {
      closing ??= closeAll(closers);
      return closing;
    };
    try {
      return new Node(await openParts(options, closers, close), close);
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** Stops tasks, closes files, gives the data directory back. Idempotent. */
  async close(): Promise<void> {
    await this.#close();
  }
}

async function openParts(
  options: NodeOptions,
  closers: Closer[],
  close: () => Promise<void>,
): Promise<LocalService> {
  const { sync = 'group', clock = systemClock, random = systemRandom } = options;
  const dir = dataDir(options.data);
  const lock = await lockDataDir(dir.root, { socket: dir.socket });
  closers.push(() => lock.release());
  await mkdir(dir.logs, { recursive: true, mode: 0o700 });
  const log = fileLog(dir.nodeLog);
  await reapOrphans(dir.groupsFile);

  const control = await SingleVoterLog.open({ disk: nodeDisk, dir: dir.control, sync, clock, log });
  closers.push(() => control.close());
  const fs = await LocalFileSystem.open({ disk: nodeDisk, root: dir.hydfs, clock, log, sync });
  closers.push(() => fs.close());
  const kernels = new KernelPool({ threads: options.threads ?? 0, log });
  closers.push(() => kernels.close());

  const bootId = randomId(random);
  const identity: Identity = { node: `${LOCAL}#${bootId}`, role: 'node', term: () => control.term };
  const transport = makeTransport(options.transport ?? 'in-process', identity, clock, log);
  const environments = pythonEnvironments({ dir, clock, log, vm: 'this machine' });
  const operators = new OperatorCommands(bundledOperators(dir.operators), environments);
  const worker = new Worker({
    fs,
    kernels,
    transport,
    clock,
    random,
    log,
    resolveOperator: (plan, stage) => operators.of(plan, stage),
    taskLogPath: (attempt) => dir.taskLog(attempt),
    groupsFile: dir.groupsFile,
    node: LOCAL,
  });
  closers.push(() => worker.close());
  const leader = await Leader.open({ control, clock, log, random, hold: true });
  closers.push(() => leader.close());
  if (!options.idle) for (const gone of control.state.nodes.keys()) leader.nodeLost(gone);
  const here = new NodeTasks({ worker, dir, vm: LOCAL });
  const jobs = new LocalJobs({ leader, control, fs, operators, random, here });
  const logs: LogSearch = {
    searchLogs: (pattern, signal) => searchFolder(dir.logs, { node: 'local', pattern }, signal),
  };
  const service = new LocalService({ jobs, fs, copies: new LocalCopies(fs), logs, close });

  // Tasks meet where any user of the machine may knock; commands are answered on the socket only.
  const acceptTasks = (connection: Connection): void =>
    dispatch(connection, [worker.receiverFor(connection)]);
  const acceptCommands = (connection: Connection): void =>
    dispatch(connection, [new RpcServer(connection, serviceMethods(service), log)]);
  const address = options.transport === 'tcp' ? '127.0.0.1:0' : 'local:1';
  const tasks = await transport.listen(address, acceptTasks);
  closers.push(() => tasks.close());
  closers.push(await listenForCommands(dir, identity, clock, log, acceptCommands));
  if (options.idle) return service;
  const me = { node: identity.node, address: tasks.address, cores: availableParallelism() };
  closers.push(await joinLeader(leader, transport, me, log));
  return service;
}

function makeTransport(
  kind: 'in-process' | 'tcp',
  identity: Identity,
  clock: Clock,
  log: Logger,
): Transport {
  return kind === 'tcp'
    ? new TcpTransport({ identity, clock, log })
    : new InProcessTransport({ hub: new InProcessHub(), identity, clock });
}

/** Answers other commands of this machine on a socket that only its user may open. */
async function listenForCommands(
  dir: DataDir,
  identity: Identity,
  clock: Clock,
  log: Logger,
  accept: (connection: Connection) => void,
): Promise<() => Promise<void>> {
  await mkdir(dirname(dir.socket), { recursive: true, mode: 0o700 });
  await unlink(dir.socket).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  const transport = new TcpTransport({ identity, clock, log });
  const listener = await transport.listen(`unix:${dir.socket}`, accept);
  await chmod(dir.socket, 0o600);
  return () => listener.close();
}

/** Introduces this node to the leader, over the same transport as every other node (N2). */
async function joinLeader(
  leader: Leader,
  transport: Transport,
  node: NodeFacts,
  log: Logger,
): Promise<() => void> {
  const connection = await transport.connect(node.address);
  connection.serve({
    message: (message) => {
      if (message.kind === 'task-report') leader.report(node.node, message);
    },
    closed: (reason) => {
      if (reason !== null) log.warn('a node was lost', { reason: reason.message });
      leader.nodeLost(node.node);
    },
  });
  leader.nodeConnected(node, connection);
  return () => connection.close();
}

async function closeAll(closers: Closer[]): Promise<void> {
  let failed: unknown = null;
  for (const close of closers.splice(0).reverse()) {
    try {
      await close();
    } catch (error) {
      failed ??= error;
    }
  }
  if (failed !== null)
    throw new Error(`closing the node failed: ${reasonOf(failed)}`, { cause: failed });
}
