/** What can be asked of a node of a cluster, by other processes of its machine. */
import { z } from 'zod';
import type { LoadFigures, Mode, Protocol } from '../membership/index.ts';
import { type RpcClient, type RpcMethods, unary } from '../transport/index.ts';
import type { PointsRow } from './points-row.ts';

/** One member as this node sees it. */
export interface MemberRow {
  /** `host:port#boot id` */
  readonly id: string;
  readonly address: string;
  readonly status: 'alive' | 'suspect' | 'dead' | 'left';
  readonly isSelf: boolean;
  readonly incarnation: number;
  /** its point on the ring, 0..1023 */
  readonly ringId: number;
  readonly load: LoadFigures | null;
}

/** Where decisions are made, as this node knows it. */
export interface ControlRow {
  readonly role: string;
  readonly term: number;
  /** address of the leader; null while there is none */
  readonly leader: string | null;
  /** addresses of the voters */
  readonly voters: readonly string[];
  /** ids of the nodes that were admitted, by decisions that have taken effect here */
  readonly nodes: readonly string[];
}

export interface ClusterService {
  /** Everybody, this node included, in ring order. */
  members(): Promise<readonly MemberRow[]>;
  protocol(): Promise<Mode>;
  /** Changes the failure detector of the whole cluster. */
  switchMode(protocol: Protocol, suspicion: boolean): Promise<Mode>;
  control(): Promise<ControlRow>;
  /** Who holds the files, by decisions that have taken effect here. */
  points(): Promise<PointsRow>;
  /** Takes the vote from the node at `address`. @throws VOTER_UNKNOWN, CONTROL_UNAVAILABLE */
  removeVoter(address: string): Promise<void>;
  /** This node tells the others and ends. */
  leave(): Promise<void>;
}

const oneAddress = z.strictObject({ address: z.string().max(1024) });
const nothing = z.strictObject({});
const mode = z.strictObject({ protocol: z.enum(['ping', 'gossip']), suspicion: z.boolean() });

/** `service` as requests over a connection. */
export function clusterMethods(service: ClusterService): RpcMethods {
  return {
    'cluster.members': unary(nothing, () => service.members()),
    'cluster.protocol': unary(nothing, () => service.protocol()),
    'cluster.switch': unary(mode, ({ protocol, suspicion }) =>
      service.switchMode(protocol, suspicion),
    ),
    'cluster.control': unary(nothing, () => service.control()),
    'cluster.points': unary(nothing, () => service.points()),
    'cluster.remove-voter': unary(oneAddress, async ({ address }) => {
      await service.removeVoter(address);
      return null;
    }),
    'cluster.leave': unary(nothing, async () => {
      await service.leave();
      return null;
    }),
  };
}

/** The cluster service of a node in another process. */
export class RemoteCluster implements ClusterService {
  readonly #rpc: RpcClient;

  constructor(rpc: RpcClient) {
    this.#rpc = rpc;
  }

  async members(): Promise<readonly MemberRow[]> {
    return (await this.#rpc.call('cluster.members', {})) as MemberRow[];
  }

  async protocol(): Promise<Mode> {
    return (await this.#rpc.call('cluster.protocol', {})) as Mode;
  }

  async switchMode(protocol: Protocol, suspicion: boolean): Promise<Mode> {
    return (await this.#rpc.call('cluster.switch', { protocol, suspicion })) as Mode;
  }

  async control(): Promise<ControlRow> {
    return (await this.#rpc.call('cluster.control', {})) as ControlRow;
  }

  async points(): Promise<PointsRow> {
    return (await this.#rpc.call('cluster.points', {})) as PointsRow;
  }

  async removeVoter(address: string): Promise<void> {
    await this.#rpc.call('cluster.remove-voter', { address });
  }

  async leave(): Promise<void> {
    await this.#rpc.call('cluster.leave', {});
  }
}
