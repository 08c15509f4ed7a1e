/**
 * One connection to one host: the only file that talks to the SSH library's client.
 *
 *   S1  Nothing is sent before the host's key is trusted (`HostTrust`); the library would trust any.
 *   S2  Every wait has a limit, except for a person who types a secret. A host that falls silent is
 *       noticed by keepalives, and whatever waits for it fails with SSH_LOST.
 *   S3  When the signal aborts, the connection is dropped at once and every wait ends.
 *   S4  What a command prints is kept up to OUTPUT_BYTES_MAX; a host cannot fill our memory.
 */
import type {
  Client,
  ClientChannel,
  ConnectConfig,
  ServerHostKeyAlgorithm,
  SFTPWrapper,
} from 'ssh2';
import { type Clock, type Fault, fault, isFault, reasonOf, type Timer } from '../core/index.ts';
import { type Credentials, LoginWays } from './credentials.ts';
import type { Host } from './host.ts';
import type { HostTrust } from './host-trust.ts';

/** For connecting, and for each answer while logging in. */
const CONNECT_MS = 20_000;
const KEEPALIVE_MS = 5000;
const KEEPALIVES_MISSED_MAX = 3;
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;

export interface SessionOptions {
  readonly credentials: Credentials;
  readonly trust: HostTrust;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly connectMs?: number;
}

/** What a command has printed and how it ended; `code` is null after a signal. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class SshSession {
  readonly #host: Host;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #lost = Promise.withResolvers<never>();
  #error: unknown = null;

  private constructor(host: Host, client: Client, { clock, signal }: SessionOptions) {
    this.#host = host;
    this.#client = client;
    this.#clock = clock;
    this.#lost.promise.catch(() => undefined); // raced by whoever waits
    const stop = (): void => {
      this.#lost.reject(interrupted(host));
      client.destroy();
    };
    signal.addEventListener('abort', stop, { once: true });
    client.on('error', (error) => {
      this.#error ??= error;
    });
    client.once('close', () => {
      signal.removeEventListener('abort', stop);
      this.#lost.reject(this.#lostFault());
    });
  }

  /**
   * Connects and logs in.
   * @throws HOST_KEY_*, SSH_UNREACHABLE, SSH_AUTH_REFUSED, PROVISION_INTERRUPTED
   */
  static async open(host: Host, options: SessionOptions): Promise<SshSession> {
    // Loaded when it is needed: no other command waits for it.
    const { default: ssh2 } = await import('ssh2');
    const groups = options.trust.algorithmsFor(host);
    let refused: unknown = null;
    for (const group of groups) {
      if (options.signal.aborted) throw interrupted(host);
      try {
        const client = await connect(new ssh2.Client(), host, options, group);
        return new SshSession(host, client, options);
      } catch (error) {
        // With a pinned fingerprint the key may be one of another type.
        const another = isFault(error, 'HOST_KEY_CHANGED') || hasNoSuchKey(error);
        if (!another || groups.length === 1) throw error;
        if (refused === null || isFault(error, 'HOST_KEY_CHANGED')) refused = error;
      }
    }
    throw refused;
  }

  /**
   * Runs `command`, a command line made by `shellCommand`.
   * @throws SSH_LOST, also when it takes longer than `limitMs`
   */
  async run(command: string, limitMs: number): Promise<Ran> {
    return this.within(limitMs, () => {
      const { promise, resolve, reject } = Promise.withResolvers<Ran>();
      // Listening begins in the callback itself: a short command may have ended with the same packet.
      this.#client.exec(command, (error, channel) =>
        error ? reject(error) : outputOf(channel, resolve),
      );
      return promise;
    });
  }

  /** A connection for files. */
  sftp(): Promise<SFTPWrapper> {
    return this.within(CONNECT_MS, () => {
      const { promise, resolve, reject } = Promise.withResolvers<SFTPWrapper>();
      this.#client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp)));
      return promise;
    });
  }

  /** Waits for `body` as long as the connection lives, and at most `limitMs`. */
  async within<T>(limitMs: number, body: () => Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = this.#clock.timer(limitMs, () => {
      late.reject(this.#lostWith(`it has not answered for ${Math.round(limitMs / 1000)} s`));
    });
    try {
      return await Promise.race([body(), late.promise, this.#lost.promise]);
    } catch (error) {
      if (isFault(error)) throw error;
      throw this.#lostWith(reasonOf(error), error);
    } finally {
      timer.cancel();
    }
  }

  close(): void {
    this.#client.end();
  }

  /** Drops the connection without a word. */
  destroy(): void {
    this.#client.destroy();
  }

  #lostFault(): Fault {
    const reason = this.#error === null ? 'it was closed' : reasonOf(this.#error);
    return this.#lostWith(reason, this.#error);
  }

  #lostWith(reason: string, cause?: unknown): Fault {
    return fault('SSH_LOST', { host: this.#host.name, reason }, cause);
  }
}

/** Gives what the command on `channel` prints to `done` once it has ended. */
function outputOf(channel: ClientChannel, done: (ran: Ran) => void): void {
  const kept: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  let bytes = 0;
  const keep = (name: 'stdout' | 'stderr') => (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= OUTPUT_BYTES_MAX) kept[name].push(chunk);
  };
  const text = (name: 'stdout' | 'stderr'): string => Buffer.concat(kept[name]).toString('utf8');
  let code: number | null = null;
  channel.on('data', keep('stdout'));
  channel.stderr.on('data', keep('stderr'));
  channel.on('exit', (exit: number | null) => {
    code = exit;
  });
  channel.once('close', () => done({ code, stdout: text('stdout'), stderr: text('stderr') }));
  channel.end();
}

/** One try to connect, with the host's key proved by one of `serverHostKey`. */
async function connect(
  client: Client,
  host: Host,
  { credentials, trust, clock, signal, connectMs = CONNECT_MS }: SessionOptions,
  serverHostKey: ServerHostKeyAlgorithm[],
): Promise<Client> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const patience = new Patience(clock, connectMs, () => {
    const reason = `nothing was heard for ${Math.round(connectMs / 1000)} s`;
    reject(fault('SSH_UNREACHABLE', { host: host.name, reason }));
  });
  const ways = new LoginWays(host, credentials);
  const config: ConnectConfig = {
    host: host.host,
    port: host.port,
    username: host.user,
    readyTimeout: 0, // ours stands still while somebody types
    keepaliveInterval: KEEPALIVE_MS,
    keepaliveCountMax: KEEPALIVES_MISSED_MAX,
    algorithms: { serverHostKey },
    hostVerifier: (key: Buffer) => {
      const problem = trust.problemOf(host, key);
      if (problem !== null) reject(problem);
      return problem === null;
    },
    authHandler: (taken, _partly, next) => {
      patience.pause();
      ways.next(taken).then((way) => {
        patience.start();
        // `false` means that there is no other way, which the types do not know.
        next(way ?? (false as never));
      }, reject);
    },
  };
  const stop = (): void => reject(interrupted(host));
  signal.addEventListener('abort', stop, { once: true });
  client.once('ready', resolve);
  client.on('error', (error) => {
    if (!('level' in error) || error.level !== 'agent') {
      return reject(connectFault(host, error, ways.tried));
    }
    ways.tried.push(`the agent, which failed (${error.message})`);
  });
  client.once('close', () => reject(connectFault(host, new Error('it was closed'), ways.tried)));
  try {
    patience.start();
    client.connect(config);
    await promise;
    return client;
  } catch (error) {
    client.destroy();
    throw isFault(error) ? error : connectFault(host, error, ways.tried);
  } finally {
    patience.pause();
    signal.removeEventListener('abort', stop);
  }
}

/** A time limit that stands still while it is paused, and begins anew afterwards. */
class Patience {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #over: () => void;
  #timer: Timer | null = null;

  constructor(clock: Clock, limitMs: number, over: () => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#over = over;
  }

  start(): void {
    this.pause();
    this.#timer = this.#clock.timer(this.#limitMs, this.#over);
  }

  pause(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}

function connectFault(host: Host, error: unknown, tried: readonly string[]): Fault {
  const level = error instanceof Error && 'level' in error ? error.level : null;
  if (level === 'client-authentication') {
    const ways =
      tried.length === 0 ? 'nothing, there is neither a key nor an agent' : tried.join(', ');
    return fault('SSH_AUTH_REFUSED', { host: host.name, user: host.user, tried: ways }, error);
  }
  return fault('SSH_UNREACHABLE', { host: host.name, reason: reasonOf(error) }, error);
}

/** The host has no key of the type that was asked for. */
function hasNoSuchKey(error: unknown): boolean {
  return isFault(error, 'SSH_UNREACHABLE') && /no matching host key/i.test(error.message);
}

function interrupted(host: Host): Fault {
  return fault('PROVISION_INTERRUPTED', { host: host.name });
}
