/** `down`: the nodes of hosts leave and end, and what `up` made is removed if asked for. */
import { type Fault, fault, isFault } from '../core/index.ts';
import { FarHost } from './far-host.ts';
import type { Host } from './host.ts';
import { inParallel } from './in-parallel.ts';
import type { Progress } from './progress.ts';
import type { SessionOptions } from './ssh-session.ts';
import { stopNode } from './stop-node.ts';

const HOSTS_AT_ONCE = 10;
const CLEAN_MS = 120_000;

export interface DownRequest {
  readonly hosts: readonly Host[];
  /** remove what `up` made, the data of the node included */
  readonly clean: boolean;
  readonly session: SessionOptions;
  readonly onProgress: (progress: Progress) => void;
}

export interface DownRow {
  readonly host: string;
  readonly action: string;
  readonly ms: number;
  readonly failure: Fault | null;
}

/**
 * Ends the nodes of all hosts; a host that fails is a row with its reason.
 * @throws PROVISION_INTERRUPTED
 */
export async function takeDown(request: DownRequest): Promise<DownRow[]> {
  const { clock, signal } = request.session;
  const rows = await inParallel(request.hosts, HOSTS_AT_ONCE, async (host) => {
    const startedAt = clock.now();
    const far = new FarHost(host, request.session);
    const row = (action: string, failure: Fault | null): DownRow => {
      request.onProgress({ host: host.name, step: failure?.message ?? action, final: true });
      return { host: host.name, action, ms: Math.round(clock.now() - startedAt), failure };
    };
    try {
      return row(await endedThere(far, request), null);
    } catch (error) {
      if (!isFault(error)) throw error;
      return row('failed', error);
    } finally {
      far.close();
    }
  });
  if (!signal.aborted) return rows;
  throw fault('PROVISION_INTERRUPTED', { host: rows.map(({ host }) => host).join(', ') });
}

async function endedThere(far: FarHost, { clean, onProgress }: DownRequest): Promise<string> {
  onProgress({ host: far.host.name, step: 'connecting' });
  const facts = await far.task('state');
  if (facts.get('ours') !== 'yes') return 'nothing there';
  const running = facts.get('node') === 'running';
  if (running) {
    onProgress({ host: far.host.name, step: 'leaving' });
    await stopNode(far);
  }
  const ended = running ? 'stopped' : 'was not running';
  if (!clean) return ended;
  const left = (await far.task('clean', [], CLEAN_MS)).get('left') ?? '';
  return left === '' ? `${ended}, removed` : `${ended}, removed all but ${left.trim()}`;
}
