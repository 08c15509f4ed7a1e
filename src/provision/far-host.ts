/**
 * One host as the rest of provisioning sees it: tasks to be done and files to be put there.
 *
 *   F1  Tasks may be done twice: each looks at what is there first. So when the connection breaks, it is
 *       made again and the task repeated, up to TRIES times; an upload goes on where it was.
 *   F2  A host that refuses (its key, the login) is not asked again.
 */
import { type Clock, fault, isFault, sleep } from '../core/index.ts';
import { type FarFacts, type FarTask, farCommand, readFarFacts } from './far-side.ts';
import type { Host } from './host.ts';
import { type SessionOptions, SshSession } from './ssh-session.ts';
import { upload } from './upload.ts';

const TRIES = 4;
const RETRY_MS = 500;
/** For a task that only looks; unpacking and starting take longer. */
const TASK_MS = 30_000;

export interface Upload {
  /** name below the directory `incoming` */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
  readonly onBytes?: (done: number) => void;
}

export class FarHost {
  readonly host: Host;
  readonly #options: SessionOptions;
  #session: SshSession | null = null;
  #connected = false;

  constructor(host: Host, options: SessionOptions) {
    this.host = host;
    this.#options = options;
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  /**
   * Does `task` there and gives what it said.
   * @throws HOST_UNFIT with the reason that the task gives; SSH_*, HOST_KEY_*
   */
  async task(task: FarTask, args: readonly string[] = [], limitMs = TASK_MS): Promise<FarFacts> {
    const command = farCommand(task, this.host.dir, args);
    const { code, stdout, stderr } = await this.#patiently((session) =>
      session.run(command, limitMs),
    );
    const facts = readFarFacts(stdout);
    const failed = facts.get('failed');
    if (code === 0 || (failed === undefined && facts.has('differs'))) return facts;
    const ended = `its shell ended with ${code ?? 'a signal'}`;
    const reason = failed ?? (stderr.trim().split('\n').at(-1) || ended);
    throw fault('HOST_UNFIT', { host: this.host.name, reason });
  }

  /** Puts a file into the directory `dir` (absolute) of the host; gives how much was there already. */
  put(dir: string, { name, bytes, mode, onBytes }: Upload): Promise<number> {
    const path = `${dir}/incoming/${name}`;
    return this.#patiently((session) =>
      upload({ session, path, bytes, mode, ...(onBytes === undefined ? {} : { onBytes }) }),
    );
  }

  close(): void {
    this.#session?.close();
    this.#session = null;
  }

  async #patiently<T>(body: (session: SshSession) => Promise<T>): Promise<T> {
    for (let left = TRIES - 1; ; left--) {
      try {
        this.#session ??= await SshSession.open(this.host, this.#options);
        this.#connected = true;
        return await body(this.#session);
      } catch (error) {
        this.#session?.destroy();
        this.#session = null;
        const broke =
          isFault(error, 'SSH_LOST') || (this.#connected && isFault(error, 'SSH_UNREACHABLE'));
        if (!broke || left === 0 || this.signal.aborted) throw error;
        await sleep(this.clock, RETRY_MS, this.signal);
      }
    }
  }
}
