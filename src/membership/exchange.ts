/**
 * How tables become equal: at joining, and slowly ever after.
 *
 * Invariants
 *   X1  A node joins by asking its seeds to compare tables, again and again, until one answers. The
 *       first answer brings the cluster's mode.
 *   X2  Every `syncIntervalMs` (at first sooner) a node compares with a random member. Equal hashes
 *       end it; otherwise each sends the other what it holds, the gone included.
 *   X3  Each time it also tries one who is taken for dead, and one seed that is nobody's member: so
 *       two halves of a cluster find each other again.
 *   X4  Nothing waits for an answer: what is lost is made up for the next time.
 */
import { between, unit } from '../core/index.ts';
import type { Appointment } from './agenda.ts';
import type { Claim } from './claim.ts';
import { claimBytes } from './codec.ts';
import type { Ground } from './ground.ts';
import { CLAIMS_MAX } from './limits.ts';
import type { State, Sync } from './messages/index.ts';
import type { Packet, Sender } from './packet.ts';

const JOIN_RETRY_MS = 500;
const JOIN_RETRY_MAX_MS = 10_000;
const FIRST_SYNC_MS = 1000;
/** Seeds that are asked at a time. */
const SEEDS_ASKED = 3;
/** Between two exchanges that were not planned. */
const EXTRA_SYNC_MS = 1000;

export class Exchange {
  readonly #ground: Ground;
  #seeds: readonly string[] = [];
  #joining: { tries: number; retry: Appointment } | null = null;
  #interval = FIRST_SYNC_MS;
  #extraAt = Number.NEGATIVE_INFINITY;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  get isJoining(): boolean {
    return this.#joining !== null;
  }

  start(seeds: readonly string[]): void {
    this.#seeds = seeds.filter((seed) => seed !== this.#ground.self.address);
    this.#plan();
    if (this.#seeds.length === 0) return;
    this.#joining = { tries: 0, retry: this.#ground.in(0, { kind: 'join' }) };
  }

  /** Asks the seeds, once more. */
  join(): void {
    const joining = this.#joining;
    if (joining === null) return;
    if (joining.tries > 0)
      this.#ground.event({ kind: 'unanswered', seeds: this.#seeds, tries: joining.tries });
    for (let i = 0; i < Math.min(SEEDS_ASKED, this.#seeds.length); i++)
      this.#ask(this.#seeds[(joining.tries * SEEDS_ASKED + i) % this.#seeds.length]);
    const backoff = Math.min(JOIN_RETRY_MAX_MS, JOIN_RETRY_MS * 2 ** joining.tries);
    joining.tries += 1;
    joining.retry = this.#ground.in(backoff, { kind: 'join' });
  }

  /** The regular comparison (X2, X3). */
  sync(): void {
    const { table, random } = this.#ground;
    this.#plan();
    for (const member of table.pick(random, 1)) this.#ask(member.address);
    const dead = [...table.all()].filter(({ standing }) => standing.kind === 'dead');
    if (dead.length > 0) this.#ask(dead[between(random, 0, dead.length)].address);
    const strange = this.#seeds.filter((seed) => table.at(seed)?.isLive !== true);
    if (strange.length > 0 && this.#joining === null)
      this.#ask(strange[between(random, 0, strange.length)]);
  }

  /** Compares with `from` soon after learning that the tables differ. */
  syncWith(from: Sender): void {
    if (this.#ground.now < this.#extraAt + EXTRA_SYNC_MS) return;
    this.#extraAt = this.#ground.now;
    this.#ask(from.address);
  }

  onSync({ hash }: Sync, from: Sender): void {
    if (hash === this.#hash()) {
      this.#ground.send(from.address, { kind: 'state', pull: false });
    } else {
      this.#sendTable(from.address, true);
    }
  }

  /** The claims of the packet have been heard already. */
  onState({ pull }: State, { from }: Packet): void {
    if (this.#joining !== null) {
      this.#joining.retry.cancelled = true;
      this.#joining = null;
      this.#ground.event({ kind: 'connected' });
    }
    if (pull) this.#sendTable(from.address, false);
  }

  #ask(address: string): void {
    this.#ground.send(address, { kind: 'sync', hash: this.#hash() });
  }

  /** All claims in as many packets as they take; only the last one asks for an answer. */
  #sendTable(to: string, pull: boolean): void {
    const room = this.#ground.room({ kind: 'state', pull });
    let part: Claim[] = [this.#ground.claim()];
    let left = room;
    for (const member of this.#ground.table.all()) {
      const claim = member.claim();
      const bytes = claimBytes(claim);
      if (bytes > left || part.length === CLAIMS_MAX) {
        this.#ground.sendClaims(to, { kind: 'state', pull: false }, part);
        part = [];
        left = room;
      }
      part.push(claim);
      left -= bytes;
    }
    this.#ground.sendClaims(to, { kind: 'state', pull }, part);
  }

  #plan(): void {
    const { config, random } = this.#ground;
    const jitter = 0.75 + unit(random) / 2;
    this.#ground.in(this.#interval * jitter, { kind: 'sync' });
    this.#interval = Math.min(config.syncIntervalMs, this.#interval * 2);
  }

  #hash(): number {
    const { table, key, self } = this.#ground;
    return table.hash({ key, incarnation: self.incarnation });
  }
}
