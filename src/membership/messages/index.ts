/** Every message body, by its number. */
import { type Ack, ack } from './ack.ts';
import { type Beat, beat } from './beat.ts';
import { type Nack, nack } from './nack.ts';
import { type News, news } from './news.ts';
import { type Ping, ping } from './ping.ts';
import { type PingRequest, pingRequest } from './ping-request.ts';
import { type State, state } from './state.ts';
import { type Sync, sync } from './sync.ts';

export const definitions = [ping, pingRequest, ack, nack, beat, sync, state, news] as const;

export type { Ack, Beat, Nack, News, Ping, PingRequest, State, Sync };
