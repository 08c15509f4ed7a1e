/**
 * What one datagram says. Whoever sends it is alive in its incarnation; each packet also carries the
 * mode of the cluster, some news and some load figures.
 */
import type { Claim } from './claim.ts';
import type { LoadClaim } from './load.ts';
import type { Beat } from './messages/beat.ts';
import type { Ack, Nack, News, Ping, PingRequest, State, Sync } from './messages/index.ts';
import type { Mode } from './mode.ts';

export type Body = Ping | PingRequest | Ack | Nack | Beat | Sync | State | News;

export interface Sender {
  readonly address: string;
  readonly boot: string;
  readonly incarnation: number;
}

export interface Packet {
  readonly from: Sender;
  readonly mode: Mode;
  readonly body: Body;
  readonly news: readonly Claim[];
  readonly loads: readonly LoadClaim[];
}
