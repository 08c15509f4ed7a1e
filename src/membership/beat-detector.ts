/**
 * The `gossip` protocol: heartbeats (van Renesse, Minsky, Hayden, Middleware 1998). Each member
 * counts up once per period and tells a few random others the highest counters it has heard of.
 *
 * Invariants
 *   B1  Only its owner counts a heartbeat up; the others keep the highest and when they first heard
 *       it, by their own clock.
 *   B2  A member whose counter stands still for too long is accused. How long depends on how many
 *       there are: a packet holds BEATS_MAX counters, of a larger table a part in turn.
 *   B3  A suspect whose counter grows is not declared dead: it lives, and has not heard yet that it
 *       should object.
 *   B4  Who hears of nobody at all takes itself for slow, and waits up to three times as long.
 */
import { unit } from '../core/index.ts';
import type { Appointment } from './agenda.ts';
import type { Ground } from './ground.ts';
import type { Ledger } from './ledger.ts';
import { BEATS_MAX } from './limits.ts';
import type { Member } from './member.ts';
import type { Beat, Heartbeat } from './messages/beat.ts';

/** Periods without a packet after which this node doubts itself. */
const SILENT_PERIODS = 2;
const DOUBT_FACTOR_MAX = 3;

export class BeatDetector {
  readonly #ground: Ground;
  readonly #ledger: Ledger;
  #count = 0;
  #turn = 0;
  #silent = 0;
  #period: Appointment | null = null;

  constructor(ground: Ground, ledger: Ledger) {
    this.#ground = ground;
    this.#ledger = ledger;
  }

  /** Everybody gets the whole time from now: before, nobody may have counted. */
  start(): void {
    const { table, now, random, config } = this.#ground;
    for (const member of table.live) member.heardAt = now;
    const delay = unit(random) * config.beatIntervalMs;
    this.#period = this.#ground.in(delay, { kind: 'beat-period' });
  }

  stop(): void {
    if (this.#period !== null) this.#period.cancelled = true;
  }

  period(): void {
    const { config, table, random, health } = this.#ground;
    this.#period = this.#ground.in(config.beatIntervalMs, { kind: 'beat-period' });
    this.#count += 1;
    this.#silent += 1;
    if (this.#silent > SILENT_PERIODS) health.change(1);
    const body = { kind: 'beat', beats: this.#beats() } as const;
    for (const member of table.pick(random, config.beatFanout)) this.#ground.send(member, body);
    this.#accuseSilent();
  }

  /** @returns whether a counter belongs to nobody known here: the tables differ */
  onBeat({ beats }: Beat): boolean {
    const { table, key, now, health } = this.#ground;
    let unknown = false;
    for (const beat of beats) {
      if (beat.key === key) continue;
      const member = table.withKey(beat.key);
      if (member === undefined) unknown = true;
      else if (beat.count > member.heartbeat) {
        member.heartbeat = beat.count;
        member.heardAt = now;
      }
    }
    if (this.#silent > 0) health.change(-1);
    this.#silent = 0;
    return unknown;
  }

  /** Whether the heartbeat of a suspect has grown since it was suspected (B3). */
  hasObjected({ standing, heardAt }: Member): boolean {
    return standing.kind === 'suspect' && heardAt > standing.since;
  }

  #beats(): Heartbeat[] {
    const { key, table } = this.#ground;
    const { live } = table;
    const beats: Heartbeat[] = [{ key, count: this.#count }];
    for (let looked = 0; looked < live.length && beats.length < BEATS_MAX; looked++) {
      this.#turn = (this.#turn + 1) % live.length;
      const { key, heartbeat } = live[this.#turn];
      if (heartbeat > 0) beats.push({ key, count: heartbeat });
    }
    return beats;
  }

  #accuseSilent(): void {
    const { table, now } = this.#ground;
    const limit = this.#patienceMs();
    // A suspect is accused too: that confirms what others found.
    const silent = table.live.filter(({ heardAt }) => now - heardAt > limit);
    for (const member of silent) this.#ledger.accuse(member);
  }

  #patienceMs(): number {
    const { config, count, mode, health } = this.#ground;
    const periods = mode.suspicion ? config.beatSuspectPeriods : config.beatFailPeriods;
    const spread = Math.max(1, Math.log10(count)) * Math.max(1, count / BEATS_MAX);
    return periods * config.beatIntervalMs * spread * Math.min(health.factor, DOUBT_FACTOR_MAX);
  }
}
