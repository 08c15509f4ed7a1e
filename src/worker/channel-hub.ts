/**
 * Moves blocks between the tasks of this node and those of others.
 *
 * Outgoing: every `ChannelPort` given to `connect` is kept connected to the task that the routes
 * name, over one connection per address, until the port is closed. Incoming: channels that peers
 * open are handed to the inbox of the task they name.
 *
 * Invariants
 *   H1  A channel belongs to one connection and dies with it; opening again starts at the consumer's
 *       watermark, so nothing depends on what a dead connection may have delivered.
 *   H2  Every frame names both attempts. What is not addressed to the present attempt of a task
 *       never reaches its inbox.
 *   H3  A refusal or a lost connection is tried again, after a growing pause or at once when the
 *       routes change; a fence ends the producing attempt. A consumer that is there and not ready yet
 *       is asked often: everything before it stands still until it is.
 *   H4  Only an attempt that is not fenced replaces the channel of its task: one that comes back
 *       after it was replaced disturbs nothing.
 */
import { type Clock, type Fault, fault, type Logger, type Timer } from '../core/index.ts';
import type { Attempt } from '../plan/index.ts';
import type { Connection } from '../transport/index.ts';
import type {
  Ack,
  ChannelOpen,
  ChannelReady,
  ChannelRefused,
  ChannelTaken,
  Data,
  End,
  EndAck,
  Fenced,
  Message,
} from '../wire/index.ts';
import type { InboundLink, Inbox } from './inbox.ts';
import type { ChannelPort } from './output-port.ts';
import type { Peers } from './peers.ts';

const RETRY_MS_MIN = 20;
const RETRY_MS_MAX = 1000;
/** Between two questions to a consumer that starts. */
export const STARTING_MS = 50;

/** The consumer that a channel names, as this node knows it. */
export type Consumer =
  | { readonly kind: 'unknown' }
  /** its inputs are complete: nothing is owed to it */
  | { readonly kind: 'finished' }
  | { readonly kind: 'starting' }
  | {
      readonly kind: 'ready';
      readonly inbox: Inbox;
      readonly epoch: number;
      /** index of the producer in the inbox, or -1 */
      readonly producer: number;
    };

/** Where a consumer task is: an address, `finished` when it needs nothing more, null when unknown. */
export type Route = { readonly address: string } | 'finished' | null;

export interface ChannelHubOptions {
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Logger;
  consumer(open: ChannelOpen): Consumer;
  route(from: Attempt, port: ChannelPort): Route;
}

interface Inbound {
  readonly inbox: Inbox;
  readonly producer: number;
  readonly epoch: number;
  readonly link: InboundLink;
}

/** Messages that belong to channels. */
export type ChannelMessage =
  | ChannelOpen
  | ChannelReady
  | ChannelRefused
  | ChannelTaken
  | Data
  | Ack
  | End
  | EndAck
  | Fenced;

export function isChannelMessage(message: Message): message is ChannelMessage {
  switch (message.kind) {
    case 'channel-open':
    case 'channel-ready':
    case 'channel-refused':
    case 'channel-taken':
    case 'data':
    case 'ack':
    case 'end':
    case 'end-ack':
    case 'fenced':
      return true;
    default:
      return false;
  }
}

export class ChannelHub {
  readonly #options: ChannelHubOptions;
  readonly #outbound = new Map<Connection, Map<number, OutboundChannel>>();
  readonly #inbound = new Map<Connection, Map<number, Inbound>>();
  readonly #channels = new Set<OutboundChannel>();
  #nextChannel = 1;

  constructor(options: ChannelHubOptions) {
    this.#options = options;
  }

  /** Keeps `port` of the attempt `from` connected until it is closed. */
  connect(from: Attempt, port: ChannelPort): void {
    const channel = new OutboundChannel(from, port, {
      ...this.#options,
      attach: (connection, made) => this.#attach(connection, made),
      detach: (connection, number) => this.#outbound.get(connection)?.delete(number),
    });
    this.#channels.add(channel);
    port.detach = () => {
      channel.close();
      this.#channels.delete(channel);
    };
    port.wake = () => channel.pump();
    channel.open();
  }

  /** Routes have changed: channels that wait try again now. */
  routesChanged(): void {
    for (const channel of this.#channels) channel.retryNow();
  }

  /** Forgets the channels into `inbox`, whose task is over, and has their producers open them again. */
  disconnect(inbox: Inbox): void {
    for (const channels of this.#inbound.values()) {
      for (const [number, inbound] of channels) {
        if (inbound.inbox !== inbox) continue;
        channels.delete(number);
        inbound.link.reset();
      }
    }
  }

  /** A channel message that came over `connection`, in either direction. */
  receive(connection: Connection, message: ChannelMessage): void {
    switch (message.kind) {
      case 'channel-open':
        return this.#accept(connection, message);
      case 'data':
      case 'end':
        return this.#consume(connection, message);
      default:
        this.#outbound.get(connection)?.get(message.channel)?.receive(message);
    }
  }

  /** `connection` is gone, and its channels with it (H1). */
  lost(connection: Connection): void {
    for (const { inbox, producer, link } of this.#inbound.get(connection)?.values() ?? []) {
      inbox.lost(producer, link);
    }
    this.#inbound.delete(connection);
    const channels = this.#outbound.get(connection);
    this.#outbound.delete(connection);
    for (const channel of channels?.values() ?? []) channel.lost();
  }

  #attach(connection: Connection, channel: OutboundChannel): number {
    const number = this.#nextChannel;
    this.#nextChannel = (this.#nextChannel % 0xffff_ffff) + 1;
    mapIn(this.#outbound, connection).set(number, channel);
    return number;
  }

  #accept(connection: Connection, open: ChannelOpen): void {
    const { channel } = open;
    const consumer = this.#options.consumer(open);
    const refuse = (reason: ChannelRefused['reason'], newest = open.fromEpoch): void =>
      connection.send({ kind: 'channel-refused', channel, reason, newest });
    if (consumer.kind === 'finished') return refuse('finished');
    if (consumer.kind === 'starting') return refuse('busy');
    if (consumer.kind === 'unknown' || consumer.producer < 0) return refuse('unknown-task');
    const { inbox, epoch, producer } = consumer;
    const link: InboundLink = {
      ready: (watermark, credit, taken) => {
        const toEpoch = epoch;
        if (taken > watermark) {
          connection.send({ kind: 'channel-taken', channel, toEpoch, seq: taken });
        }
        connection.send({ kind: 'channel-ready', channel, toEpoch, watermark, credit });
      },
      ack: (seq, credit) => connection.send({ kind: 'ack', channel, toEpoch: epoch, seq, credit }),
      endAck: () => connection.send({ kind: 'end-ack', channel }),
      fenced: (newest) => connection.send({ kind: 'fenced', channel, newest }),
      reset: () => {
        this.#inbound.get(connection)?.delete(channel);
        refuse('busy');
      },
    };
    // (H4) a fenced attempt must not take the channel of its successor away
    if (!inbox.open(producer, open.fromEpoch, link)) return;
    this.#replaced(inbox, producer);
    mapIn(this.#inbound, connection).set(channel, { inbox, producer, epoch, link });
  }

  /** A producer opens its channel anew: the one before is not used any more. */
  #replaced(inbox: Inbox, producer: number): void {
    for (const channels of this.#inbound.values()) {
      for (const [number, inbound] of channels) {
        if (inbound.inbox === inbox && inbound.producer === producer) channels.delete(number);
      }
    }
  }

  #consume(connection: Connection, message: Data | End): void {
    const inbound = this.#inbound.get(connection)?.get(message.channel);
    if (inbound === undefined || inbound.epoch !== message.toEpoch) return; // (H2) of before a reset
    const { inbox, producer, link } = inbound;
    try {
      if (message.kind === 'data') inbox.data(producer, link, message);
      else inbox.end(producer, link, message.fromEpoch, message.lastSeq);
    } catch (error) {
      inbox.broken(error);
    }
  }
}

type Wire =
  | { readonly kind: 'waiting'; timer: Timer | null }
  | { readonly kind: 'connecting' }
  | {
      readonly kind: 'opening' | 'open';
      readonly connection: Connection;
      readonly number: number;
      readonly toEpoch: number;
    }
  | { readonly kind: 'over' };

interface OutboundOptions extends ChannelHubOptions {
  attach(connection: Connection, channel: OutboundChannel): number;
  detach(connection: Connection, number: number): void;
}

/** What a consumer says about a channel. */
type FromConsumer = ChannelTaken | ChannelReady | ChannelRefused | Ack | EndAck | Fenced;

/** One outgoing channel: its way to the consumer, again and again until closed (H3). */
class OutboundChannel {
  readonly #from: Attempt;
  readonly #port: ChannelPort;
  readonly #options: OutboundOptions;
  #wire: Wire = { kind: 'waiting', timer: null };
  #pauseMs = RETRY_MS_MIN;
  #waiting = false;

  constructor(from: Attempt, port: ChannelPort, options: OutboundOptions) {
    this.#from = from;
    this.#port = port;
    this.#options = options;
  }

  open(): void {
    const route = this.#options.route(this.#from, this.#port);
    if (route === null) return this.#retryLater();
    if (route === 'finished') return this.#consumerFinished();
    this.#wire = { kind: 'connecting' };
    this.#options.peers.get(route.address).then(
      (connection) => this.#connected(connection),
      (reason: Fault) => {
        this.#options.log.debug('a channel has to wait', { reason: reason.message });
        if (this.#wire.kind === 'connecting') this.#retryLater();
      },
    );
  }

  retryNow(): void {
    if (this.#wire.kind !== 'waiting') return;
    this.#wire.timer?.cancel();
    this.open();
  }

  /** What the consumer says; what cannot be true ends the attempt, not the node. */
  receive(message: FromConsumer): void {
    try {
      this.#hear(message);
    } catch (error) {
      this.close();
      this.#port.broken(error);
    }
  }

  #hear(message: FromConsumer): void {
    const wire = this.#wire;
    if (wire.kind !== 'opening' && wire.kind !== 'open') return;
    const { sender } = this.#port;
    switch (message.kind) {
      case 'channel-ready':
        if (!sender.opened(message.toEpoch, message.watermark, message.credit)) {
          return this.#tryAgain();
        }
        this.#wire = { ...wire, kind: 'open', toEpoch: message.toEpoch };
        this.#pauseMs = RETRY_MS_MIN;
        this.#port.opened();
        break;
      case 'ack':
        sender.acked(message.toEpoch, message.seq, message.credit);
        break;
      case 'end-ack':
        sender.endAcked();
        break;
      case 'channel-taken':
        return sender.taken(message.toEpoch, message.seq);
      case 'channel-refused':
        return this.#refused(message);
      case 'fenced':
        return this.#fenced(message.newest);
    }
    this.pump();
    this.#port.progressed();
  }

  /** Sends whatever the sender offers. */
  pump(): void {
    const wire = this.#wire;
    if (wire.kind !== 'open') return;
    const { connection, number: channel, toEpoch } = wire;
    const fromEpoch = this.#from.epoch;
    for (;;) {
      if (this.#held(connection)) return;
      const step = this.#port.sender.take();
      if (step === null) return;
      if (step.kind === 'end') {
        connection.send({ kind: 'end', channel, fromEpoch, toEpoch, lastSeq: step.lastSeq });
        continue;
      }
      const { firstSeq, count, bytes: block } = step.block;
      connection.send({ kind: 'data', channel, fromEpoch, toEpoch, firstSeq, count, block });
    }
  }

  /** True while `connection` has enough queued; pumping goes on when it has room. */
  #held(connection: Connection): boolean {
    const drained = connection.drained();
    if (drained === null) return false;
    if (this.#waiting) return true;
    this.#waiting = true;
    void drained.then(() => {
      this.#waiting = false;
      this.pump();
    });
    return true;
  }

  lost(): void {
    if (this.#wire.kind === 'over') return;
    this.#port.sender.closed();
    this.#retryLater();
  }

  close(): void {
    this.#leave();
    this.#wire = { kind: 'over' };
  }

  #connected(connection: Connection): void {
    if (this.#wire.kind !== 'connecting') return;
    const number = this.#options.attach(connection, this);
    this.#wire = { kind: 'opening', connection, number, toEpoch: 0 };
    const { job, stage, index, epoch } = this.#from;
    connection.send({
      kind: 'channel-open',
      channel: number,
      job,
      fromStage: stage,
      fromIndex: index,
      fromEpoch: epoch,
      toStage: this.#port.toStage,
      toIndex: this.#port.toIndex,
    });
  }

  #refused({ reason, newest }: ChannelRefused): void {
    if (reason === 'fenced') return this.#fenced(newest);
    if (reason === 'finished') return this.#consumerFinished();
    if (reason === 'busy') this.#pauseMs = STARTING_MS;
    this.#tryAgain();
  }

  #tryAgain(): void {
    this.#leave();
    this.#port.sender.closed();
    this.#retryLater();
  }

  #consumerFinished(): void {
    this.close();
    this.#port.sender.consumerFinished();
    this.#port.opened();
    this.#port.progressed();
  }

  #fenced(newest: number): void {
    const { job, stage, index, epoch } = this.#from;
    this.close();
    const writer = `${job}/${stage}-${index}`;
    this.#port.broken(fault('FENCED', { writer, name: 'a channel', epoch, newest }));
  }

  #leave(): void {
    const wire = this.#wire;
    if (wire.kind === 'waiting') wire.timer?.cancel();
    if (wire.kind === 'opening' || wire.kind === 'open') {
      this.#options.detach(wire.connection, wire.number);
    }
  }

  #retryLater(): void {
    const timer = this.#options.clock.timer(this.#pauseMs, () => this.open());
    this.#wire = { kind: 'waiting', timer };
    this.#pauseMs = Math.min(this.#pauseMs * 2, RETRY_MS_MAX);
  }
}

function mapIn<K, V>(maps: Map<K, Map<number, V>>, key: K): Map<number, V> {
  const found = maps.get(key);
  if (found !== undefined) return found;
  const made = new Map<number, V>();
  maps.set(key, made);
  return made;
}
