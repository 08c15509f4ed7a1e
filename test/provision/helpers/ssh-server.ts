/**
 * An SSH server inside the test, with faults to order: it knows one user key or one password, runs
 * commands in this machine's shell, and keeps files over SFTP in a real directory.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import process from 'node:process';
import type { ExecutionContext } from 'ava';
import ssh2, { type Connection, type Server, type ServerChannel, type SFTPWrapper } from 'ssh2';

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

export interface Faults {
  /** the connection is cut once so many bytes have been written on it */
  cutAfterBytes?: number;
  /** every byte written is replaced */
  damage?: boolean;
  /** commands are answered with this and end in the same moment */
  hasty?: string;
  /** commands are accepted and never answered */
  mute?: boolean;
}

export interface TestServerOptions {
  /** private keys of the host, in PEM; the first is preferred */
  readonly hostKeys: readonly string[];
  /** the public key (wire form) that may log in */
  readonly userKey?: Buffer;
  readonly password?: string;
  readonly faults?: Faults;
  /** where its commands find programs; as here unless given */
  readonly path?: string;
}

export class TestServer {
  readonly faults: Faults;
  /** where each SFTP write began, by connection */
  readonly writes: number[][] = [];
  /** how each login was tried */
  readonly logins: string[] = [];
  readonly commands: string[] = [];
  /** how many were written over SFTP, by all connections */
  bytes = 0;
  port = 0;
  readonly #options: TestServerOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();

  private constructor(options: TestServerOptions) {
    this.#options = options;
    this.faults = options.faults ?? {};
    this.#server = new ssh2.Server({ hostKeys: [...options.hostKeys] }, (connection) =>
      this.#accept(connection),
    );
  }

  static async start(t: ExecutionContext, options: TestServerOptions): Promise<TestServer> {
    const server = new TestServer(options);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    const bound = server.#server.address();
    server.port = bound === null || typeof bound === 'string' ? 0 : bound.port;
    t.teardown(() => server.#close());
    return server;
  }

  async #close(): Promise<void> {
    for (const connection of this.#connections) connection.end();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(connection: Connection): void {
    const { userKey, password } = this.#options;
    this.#connections.add(connection);
    connection.on('close', () => this.#connections.delete(connection));
    connection.on('error', () => undefined); // a cut connection, or a client that went away
    connection.on('authentication', (login) => {
      this.logins.push(login.method);
      const byKey = login.method === 'publickey' && userKey?.equals(login.key.data) === true;
      const byPassword = login.method === 'password' && login.password === password;
      if (byKey || byPassword) login.accept();
      else login.reject(password === undefined ? ['publickey'] : ['publickey', 'password']);
    });
    connection.on('session', (accept) => {
      const session = accept();
      session.on('exec', (yes, _no, { command }) => {
        this.commands.push(command);
        if (this.faults.mute !== true) this.#exec(yes(), command);
      });
      session.on('sftp', (yes) => this.#serveFiles(connection, yes()));
    });
  }

  #exec(channel: ServerChannel, command: string): void {
    if (this.faults.hasty !== undefined) {
      channel.write(this.faults.hasty);
      channel.exit(0);
      channel.end();
      return;
    }
    const { path = process.env.PATH } = this.#options;
    const env = { ...process.env, PATH: path };
    const child = spawn('sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    child.on('close', (code) => {
      channel.exit(code ?? 1);
      channel.end();
    });
  }

  #serveFiles(connection: Connection, sftp: SFTPWrapper): void {
    const offsets: number[] = [];
    this.writes.push(offsets);
    let bytes = 0;
    const fd = (handle: Buffer): number => handle.readUInt32BE(0);
    sftp.on('OPEN', (id, path, flags) => {
      const handle = Buffer.alloc(4);
      handle.writeUInt32BE(openSync(path, (flags & OPEN_MODE.TRUNC) !== 0 ? 'w' : 'r+'));
      sftp.handle(id, handle);
    });
    sftp.on('STAT', (id, path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
      else sftp.attrs(id, attributes(stat));
    });
    sftp.on('FSTAT', (id, handle) => sftp.attrs(id, attributes(fstatSync(fd(handle)))));
    sftp.on('FSETSTAT', (id, handle, { size }) => {
      ftruncateSync(fd(handle), size);
      sftp.status(id, STATUS_CODE.OK);
    });
    sftp.on('WRITE', (id, handle, offset, data) => {
      offsets.push(offset);
      writeSync(
        fd(handle),
        this.faults.damage === true ? Buffer.alloc(data.length) : data,
        0,
        data.length,
        offset,
      );
      bytes += data.length;
      this.bytes += data.length;
      const { cutAfterBytes = Number.POSITIVE_INFINITY } = this.faults;
      if (bytes < cutAfterBytes) return void sftp.status(id, STATUS_CODE.OK);
      delete this.faults.cutAfterBytes;
      connection.end();
    });
    sftp.on('CLOSE', (id, handle) => {
      closeSync(fd(handle));
      sftp.status(id, STATUS_CODE.OK);
    });
  }
}

function attributes(stat: ReturnType<typeof fstatSync>): ssh2.Attributes {
  const { mode, uid, gid, size, atimeMs, mtimeMs } = stat;
  return {
    mode: Number(mode),
    uid: Number(uid),
    gid: Number(gid),
    size: Number(size),
    atime: Math.floor(Number(atimeMs) / 1000),
    mtime: Math.floor(Number(mtimeMs) / 1000),
  };
}
