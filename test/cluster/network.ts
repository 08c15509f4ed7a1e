/**
 * A network of this machine's own in which links can be cut: one namespace per node, and one in the
 * middle that forwards between them and drops what it is told to.
 *
 *   const network = Network.make(6);
 *   network.isolate(2);                  // nothing from or to node 2
 *   network.cut(3, 1);                   // one way: what 3 sends does not reach 1
 *   network.heal();
 *   network.close();
 *
 * 1. Packets are dropped where they are forwarded, without connection tracking: a connection that
 *    stands is cut as well, and neither side is told.
 * 2. Only links that were really cut count: `dropped` says how many packets the cuts have taken.
 * 3. Everything lives in namespaces named after this process, which are deleted at its end.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';
import process from 'node:process';

let networks = 0;

/** Without the folders of packages: one of them brings a command `nft` that is another. */
const PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);

function ip(args: readonly string[], input = ''): SpawnSyncReturns<string> {
  return spawnSync('ip', args, { input, encoding: 'utf8', env: { ...process.env, PATH } });
}

/** Why there can be no such network here; null when there can. */
export function networkMissing(): string | null {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (ip(['-V']).error !== undefined) return 'ip (iproute2) is not installed';
  const name = `rs-try-${process.pid}`;
  if (ip(['netns', 'add', name]).status !== 0) return 'network namespaces cannot be made here';
  const filters = ip(['netns', 'exec', name, 'nft', 'add', 'table', 'ip', 'x']);
  ip(['netns', 'del', name]);
  return filters.status === 0 ? null : 'nft (nftables) is not installed, or not in the kernel';
}

export class Network {
  readonly places: number;
  readonly #name: string;
  readonly #lastResort: () => void;
  #open = true;

  private constructor(places: number) {
    networks += 1;
    this.places = places;
    this.#name = `rs-${process.pid}-${networks}`;
    this.#lastResort = () => this.close();
    process.on('exit', this.#lastResort);
  }

  /** Makes a network of `places` nodes, numbered from 1, all links whole. */
  static make(places: number): Network {
    const network = new Network(places);
    try {
      network.#build();
    } catch (error) {
      network.close();
      throw error;
    }
    return network;
  }

  addressOf(place: number): string {
    return `10.99.${place}.2`;
  }

  /** The words in front of a command that runs it at `place`. */
  prefix(place: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#spaceOf(place)];
  }

  /** What `from` sends does not reach `to` any more. */
  cut(from: number, to: number): void {
    const pair = `{ ${this.addressOf(from)} . ${this.addressOf(to)} }`;
    this.#nft(`add element ip cuts pairs ${pair}\n`);
  }

  /** Nothing from or to `place` arrives. */
  isolate(place: number): void {
    for (let other = 1; other <= this.places; other++) {
      if (other === place) continue;
      this.cut(place, other);
      this.cut(other, place);
    }
  }

  /** All links are whole again. */
  heal(): void {
    this.#nft('flush set ip cuts pairs\n');
  }

  /** Packets that the cuts have taken so far. */
  dropped(): number {
    const rules = this.#run(['netns', 'exec', this.#hub, 'nft', 'list', 'table', 'ip', 'cuts']);
    return Number(/counter packets (\d+)/.exec(rules)?.[1] ?? 0);
  }

  /** Deletes the namespaces. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.off('exit', this.#lastResort);
    for (let place = 0; place <= this.places; place++) {
      ip(['netns', 'del', place === 0 ? this.#hub : this.#spaceOf(place)]);
    }
  }

  get #hub(): string {
    return `${this.#name}-hub`;
  }

  #spaceOf(place: number): string {
    return `${this.#name}-${place}`;
  }

  #build(): void {
    this.#run(['netns', 'add', this.#hub]);
    this.#run(['netns', 'exec', this.#hub, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    for (let place = 1; place <= this.places; place++) this.#attach(place);
    this.#nft(`table ip cuts {
  set pairs { type ipv4_addr . ipv4_addr; }
  chain forward {
    type filter hook forward priority 0;
    ip saddr . ip daddr @pairs counter drop
  }
}
`);
  }

  #attach(place: number): void {
    const hub = ['-n', this.#hub];
    const space = ['-n', this.#spaceOf(place)];
    const link = `v${place}`;
    this.#run(['netns', 'add', this.#spaceOf(place)]);
    this.#run([
      ...['link', 'add', link, 'netns', this.#hub],
      ...['type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#spaceOf(place)],
    ]);
    this.#run([...hub, 'addr', 'add', `10.99.${place}.1/24`, 'dev', link]);
    this.#run([...hub, 'link', 'set', link, 'up']);
    this.#run([...space, 'link', 'set', 'lo', 'up']);
    this.#run([...space, 'addr', 'add', `${this.addressOf(place)}/24`, 'dev', 'eth0']);
    this.#run([...space, 'link', 'set', 'eth0', 'up']);
    this.#run([...space, 'route', 'add', 'default', 'via', `10.99.${place}.1`]);
  }

  #nft(script: string): void {
    this.#run(['netns', 'exec', this.#hub, 'nft', '-f', '-'], script);
  }

  #run(args: readonly string[], input?: string): string {
    const { status, stdout, stderr, error } = ip(args, input);
    if (status === 0) return stdout;
    throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr}`);
  }
}
