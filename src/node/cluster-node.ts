/**
 * One node of a cluster: it finds the others, agrees with them, and answers for itself.
 *
 * Invariants
 *   C1  Everything begins after the lock of the data directory and after both sockets are bound: a
 *       mistake (port in use, bad key file) is told before anybody else hears of this node.
 *   C2  TCP and UDP use the same port number, and the same keys.
 *   C3  What membership says about the others is a hint for control, never a decision.
 *   C4  What was opened is closed in the opposite order, and only once.
 */
import { chmod, mkdir, unlink } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import {
  type Clock,
  fault,
  fileLog,
  isFault,
  LoadMeter,
  type Logger,
  type Random,
  RequestLogFile,
  randomId,
  reasonOf,
  severalLogs,
  systemClock,
  systemRandom,
  type Timer,
} from '../core/index.ts';
import { MembershipDriver, openUdp } from '../membership/index.ts';
import { ringOrder, ringPointOf } from '../plan/index.ts';
import { lockDataDir, type SyncMode } from '../storage/index.ts';
import {
  type ClusterKeys,
  dispatch,
  formatAddress,
  type Identity,
  keyedSockets,
  parseAddress,
  type RpcMethods,
  RpcServer,
  readKeyFile,
  TcpTransport,
} from '../transport/index.ts';
import { ClusterControl } from './cluster-control.ts';
import { ClusterCopies } from './cluster-copies.ts';
import { ClusterFileParts, openNodeStore } from './cluster-files.ts';
import {
  type ClusterService,
  type ControlRow,
  clusterMethods,
  type MemberRow,
} from './cluster-service.ts';
import { type DataDir, dataDir } from './data-dir.ts';
import { Door } from './door.ts';
import { Guests } from './guests.ts';
import { JobParts } from './job-parts.ts';
import { serviceMethods } from './methods.ts';
import { NodeLogs } from './node-logs.ts';
import { NodeService } from './node-service.ts';
import { type PointsRow, pointsRow } from './points-row.ts';

/** How often the load figures of this node are renewed. */
const LOAD_MS = 1000;
/** How often a node that has joined nobody says whom it waits for. */
const SEED_CHECK_MS = 3000;

export interface ClusterNodeOptions {
  readonly data: string;
  /** address of this machine to listen on */
  readonly bind: string;
  /** 0 takes a free port */
  readonly port: number;
  /** `host:port` that others reach this node at; the bound one unless given */
  readonly advertise?: string | undefined;
  /** `host:port` of nodes of the cluster; none for its first node */
  readonly join: readonly string[];
  readonly keyFile: string | null;
  readonly voters: 1 | 3 | 5;
  /** how many copies of each file the cluster is to have; what has been decided unless given */
  readonly copies?: number | undefined;
  /** a voter that has been dead for so long is replaced; a minute unless given */
  readonly replaceAfterMs?: number | undefined;
  /** what this node sends to make copies anew, in bytes a second at most */
  readonly repairBytesPerSecond?: number | undefined;
  /** for experiments: the share of membership datagrams that is thrown away */
  readonly dropRate: number;
  readonly sync?: SyncMode;
  /** threads of the kernel pool; none unless given */
  readonly threads?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  /** where people read what happens, besides the log file */
  readonly console: Logger;
}

type Closer = () => Promise<void> | void;

/** What the parts of a node share. */
interface Ground {
  readonly options: ClusterNodeOptions;
  readonly dir: DataDir;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly requests: RequestLogFile;
  readonly boot: string;
  readonly keys: ClusterKeys | null;
  readonly closers: Closer[];
}

/** What a node is made of. */
interface Parts {
  readonly membership: MembershipDriver;
  readonly control: ClusterControl;
  readonly files: ClusterFileParts;
  readonly logs: NodeLogs;
  readonly jobs: JobParts;
}

export class ClusterNode implements ClusterService {
  readonly #ground: Ground;
  readonly #membership: MembershipDriver;
  readonly #control: ClusterControl;
  /** Jobs and files, as this node answers for them. */
  readonly service: NodeService;
  readonly #ended = Promise.withResolvers<void>();
  #closing: Promise<void> | null = null;

  private constructor(ground: Ground, { membership, control, jobs, files, logs }: Parts) {
    this.#ground = ground;
    this.#membership = membership;
    this.#control = control;
    this.service = new NodeService({
      jobs: jobs.service,
      fs: files.fs,
      copies: new ClusterCopies({
        files,
        address: membership.self.address,
        living: () => livingAddresses(membership),
      }),
      logs,
      close: async () => undefined,
    });
  }

  /**
   * Takes the data directory and the port, and begins to join.
   * @throws DATA_DIR_LOCKED, PORT_IN_USE, KEY_REQUIRED, KEY_FILE_*, ADDRESS_INVALID, LOG_CORRUPT
   */
  static async open(options: ClusterNodeOptions): Promise<ClusterNode> {
    const closers: Closer[] = [];
    try {
      return await openNode(options, closers);
    } catch (error) {
      await closeAll(closers);
      throw error;
    }
  }

  /** `host:port#boot id` */
  get id(): string {
    return this.#membership.self.id;
  }

  get address(): string {
    return this.#membership.self.address;
  }

  /** Resolves when the node has ended, by `close` or `leave`. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  async members(): Promise<readonly MemberRow[]> {
    const all = this.#membership.members();
    const order = new Map(ringOrder(all.map(({ address }) => address)).map((each, i) => [each, i]));
    const place = ({ address }: MemberRow): number => order.get(address) ?? 0;
    const rows = all.map((member) => ({
      id: member.id,
      address: member.address,
      status: member.status,
      isSelf: member.isSelf,
      incarnation: member.incarnation,
      ringId: ringPointOf(member.address),
      load: member.load,
    }));
    return rows.sort((a, b) => place(a) - place(b) || (a.id < b.id ? -1 : 1));
  }

  async protocol(): ReturnType<ClusterService['protocol']> {
    return this.#membership.protocol();
  }

  async switchMode(
    ...[protocol, suspicion]: Parameters<ClusterService['switchMode']>
  ): ReturnType<ClusterService['switchMode']> {
    this.#membership.switchMode(protocol, suspicion);
    return this.#membership.protocol();
  }

  async control(): Promise<ControlRow> {
    return this.#control.row();
  }

  async points(): Promise<PointsRow> {
    return pointsRow(this.#control.state);
  }

  removeVoter(address: string): Promise<void> {
    return this.#control.removeVoter(address);
  }

  /**
   * Tells the others, then ends. Who leads hears that this node is gone before it gets the vote
   * back, and so does not offer it again.
   */
  async leave(): Promise<void> {
    const { log, clock } = this.#ground;
    log.info('leaving the cluster');
    try {
      await this.#control.handOver();
      await this.#membership.leave();
      await this.#control.giveVoteBack();
    } finally {
      // The answer to whoever asked goes out before the sockets close.
      clock.timer(0, () => void this.close());
    }
  }

  /** Ends without a word to the others. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= closeAll(this.#ground.closers).finally(() => this.#ended.resolve());
    return this.#closing;
  }

  /** Opens what belongs to a made node. */
  static async assemble(ground: Ground, parts: Parts): Promise<ClusterNode> {
    const node = new ClusterNode(ground, parts);
    ground.closers.push(await answerCommands(ground, node));
    ground.closers.push(measureLoad(ground, parts.membership));
    return node;
  }
}

async function openNode(options: ClusterNodeOptions, closers: Closer[]): Promise<ClusterNode> {
  const ground = await prepare(options, closers);
  const { clock, random, log, boot, keys } = ground;
  const { sync = 'group' } = options;
  const store = await openNodeStore({ root: ground.dir.hydfs, sync, clock, random, log });
  closers.push(() => store.files.close());
  const bind = formatAddress(options.bind, options.port);
  let control: ClusterControl | null = null;
  let address = options.advertise ?? bind;
  const identity: Identity = {
    // With port 0 the address is known only once it is bound.
    get node() {
      return `${address}#${boot}`;
    },
    role: 'node',
    term: () => control?.term ?? 0,
  };
  const transport = new TcpTransport({
    identity,
    clock,
    log,
    ...(keys === null ? {} : { secure: keyedSockets(() => keys) }),
  });
  const door = new Door(log);
  const listener = await transport.listen(bind, (connection) => door.knock(connection));
  closers.push(async () => {
    await listener.close();
    door.close();
  });
  const datagrams = await openUdp({ bind: listener.address, keyed: keys !== null, log });
  address = options.advertise ?? listener.address;
  const membership = MembershipDriver.start({
    datagrams,
    advertise: address,
    seeds: options.join,
    clock,
    random,
    log,
    keys,
    boot,
    dropRate: options.dropRate,
  });
  closers.push(() => membership.close());
  control = await ClusterControl.open({
    dir: ground.dir.control,
    sync,
    address,
    nodeId: membership.self.id,
    cores: availableParallelism(),
    store: store.id,
    ...(options.copies === undefined ? {} : { copies: options.copies }),
    first: options.join.length === 0,
    voters: options.voters,
    ...(options.replaceAfterMs === undefined ? {} : { replaceAfterMs: options.replaceAfterMs }),
    transport,
    membership,
    clock,
    random,
    log,
  });
  closers.push(() => control?.close());
  const { repairBytesPerSecond } = options;
  const shared = { control, transport, clock, random, log };
  const files = new ClusterFileParts({
    ...shared,
    requests: ground.requests,
    store,
    nodeId: membership.self.id,
    repairBytesPerSecond,
  });
  closers.push(() => files.close());
  const { fs } = files;
  const { dir } = ground;
  const threads = options.threads ?? 0;
  const jobs = new JobParts({ dir, control, fs, transport, threads, clock, random, log });
  closers.push(() => jobs.close());
  closers.push(watchSeeds(ground, transport, membership));
  const logs = new NodeLogs({
    folder: dir.logs,
    node: address,
    others: () => livingAddresses(membership),
    connect: (other) => files.clients.get(other),
  });
  const node = await ClusterNode.assemble(ground, { membership, control, files, logs, jobs });
  const answers = { methods: () => ({ ...logs.methods(), ...answersOf(node) }) };
  door.open([control.tenant, files.tenant, jobs.tenant, answers]);
  log.info(`listening on ${address}`, { node: node.id });
  return node;
}

async function prepare(options: ClusterNodeOptions, closers: Closer[]): Promise<Ground> {
  const { clock = systemClock, random = systemRandom } = options;
  const keys = options.keyFile === null ? null : await readKeyFile(options.keyFile);
  for (const seed of options.join) parseAddress(seed);
  const dir = dataDir(options.data);
  const lock = await lockDataDir(dir.root, { socket: dir.socket });
  closers.push(() => lock.release());
  await mkdir(dir.logs, { recursive: true, mode: 0o700 });
  const log = severalLogs(options.console, fileLog(dir.nodeLog));
  const requests = new RequestLogFile({ path: dir.requestLog, clock, log });
  closers.push(() => requests.close());
  return { options, dir, clock, random, log, requests, boot: randomId(random), keys, closers };
}

/** What anybody may ask who is let in, here or over the network. */
function answersOf(node: ClusterNode): RpcMethods {
  return { ...clusterMethods(node), ...serviceMethods(node.service) };
}

/** Answers commands of this machine on a socket that only its user may open. */
async function answerCommands(ground: Ground, node: ClusterNode): Promise<Closer> {
  const { dir, clock, log } = ground;
  await mkdir(dirname(dir.socket), { recursive: true, mode: 0o700 });
  await unlink(dir.socket).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  const identity: Identity = { node: node.id, role: 'node', term: () => 0 };
  const transport = new TcpTransport({ identity, clock, log });
  const guests = new Guests();
  const listener = await transport.listen(`unix:${dir.socket}`, (connection) =>
    dispatch(connection, [
      guests.receiver(connection),
      new RpcServer(connection, answersOf(node), log),
    ]),
  );
  await chmod(dir.socket, 0o600);
  return async () => {
    await listener.close();
    guests.close();
  };
}

function livingAddresses(membership: MembershipDriver): string[] {
  const living = membership.members().filter(({ status }) => status === 'alive');
  return [...new Set(living.map(({ address }) => address))].sort();
}

function measureLoad({ clock }: Ground, membership: MembershipDriver): Closer {
  const meter = new LoadMeter();
  let timer: Timer;
  const measure = (): void => {
    const load = meter.read();
    membership.setLoad({ ...load, tuplesInPerSecond: 0, tuplesOutPerSecond: 0, tasks: 0 });
    timer = clock.timer(LOAD_MS, measure);
  };
  timer = clock.timer(LOAD_MS, measure);
  return () => {
    timer.cancel();
    meter.close();
  };
}

/**
 * UDP cannot say why a seed does not answer; a connection can. Until the cluster has answered, the
 * seeds are tried over TCP, and a wrong key or version is told in its own words.
 */
function watchSeeds(ground: Ground, transport: TcpTransport, membership: MembershipDriver): Closer {
  const { options, clock, log } = ground;
  const over = new AbortController();
  const told = new Set<string>();
  let timer: Timer | null = null;
  const tell = (seed: string, error: unknown): void => {
    if (over.signal.aborted || isFault(error, 'PEER_UNREACHABLE')) return;
    const sentence = `${seed} does not let this node in: ${reasonOf(error)}`;
    if (!told.has(sentence)) log.error(sentence);
    told.add(sentence);
  };
  const check = async (): Promise<void> => {
    for (const seed of options.join) {
      await transport.connect(seed, over.signal).then(
        (connection) => connection.close(),
        (error: unknown) => tell(seed, error),
      );
    }
    if (!over.signal.aborted) timer = clock.timer(SEED_CHECK_MS, () => void check());
  };
  if (options.join.length > 0) timer = clock.timer(SEED_CHECK_MS / 3, () => void check());
  const stop = (): void => {
    over.abort();
    timer?.cancel();
  };
  void membership.joined.then(stop);
  return stop;
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
  if (failed !== null) throw fault('NODE_NOT_CLOSED', { reason: reasonOf(failed) }, failed);
}
