/** The logs of all nodes, searched at once; a node that cannot be asked is told in its place. */
import { z } from 'zod';
import { reasonOf } from '../core/index.ts';
import { type RpcClient, type RpcMethods, streaming } from '../transport/index.ts';
import { type FoundLines, searchFolder } from './log-search.ts';

export interface LogSearch {
  /** Lines of all logs that match, of each file in order. @throws PATTERN_UNUSABLE */
  searchLogs(pattern: string, signal?: AbortSignal): AsyncIterable<FoundLines>;
}

export interface NodeLogsOptions {
  /** the folder of this node's logs */
  readonly folder: string;
  /** what this node is called */
  readonly node: string;
  /** `host:port` of the other nodes that live */
  readonly others: () => readonly string[];
  connect(address: string): Promise<RpcClient>;
}

const PATTERN_CHARS_MAX = 1024;
const wanted = z.strictObject({ pattern: z.string().max(PATTERN_CHARS_MAX) });
/** What one node answers about itself, and what any answers about all. */
const OWN = 'logs.search';
const ALL = 'logs.search-all';

export class NodeLogs implements LogSearch {
  readonly #options: NodeLogsOptions;

  constructor(options: NodeLogsOptions) {
    this.#options = options;
  }

  async *searchLogs(pattern: string, signal?: AbortSignal): AsyncGenerator<FoundLines> {
    const left = new AbortController();
    const over = signal === undefined ? left.signal : AbortSignal.any([left.signal, signal]);
    const { node, others, connect } = this.#options;
    const searches = [this.#own(pattern, over)];
    for (const address of others()) {
      if (address !== node) searches.push(searchOf(address, connect, pattern, over));
    }
    try {
      yield* merged(searches);
    } finally {
      left.abort();
    }
  }

  /** What this node answers about its own logs. */
  methods(): RpcMethods {
    return { [OWN]: streaming(wanted, ({ pattern }, signal) => this.#own(pattern, signal)) };
  }

  #own(pattern: string, signal: AbortSignal): AsyncGenerator<FoundLines> {
    const { folder, node } = this.#options;
    return searchFolder(folder, { node, pattern }, signal);
  }
}

/** What is asked of any node about all. */
export function searchMethods(search: LogSearch): RpcMethods {
  return { [ALL]: streaming(wanted, ({ pattern }, signal) => search.searchLogs(pattern, signal)) };
}

/** The logs of all nodes, asked of one. */
export function remoteSearch(rpc: RpcClient): LogSearch {
  return {
    searchLogs: (pattern, signal) =>
      rpc.stream(ALL, { pattern }, signal) as AsyncIterable<FoundLines>,
  };
}

async function* searchOf(
  address: string,
  connect: NodeLogsOptions['connect'],
  pattern: string,
  signal: AbortSignal,
): AsyncGenerator<FoundLines> {
  try {
    yield* (await connect(address)).stream(OWN, { pattern }, signal) as AsyncGenerator<FoundLines>;
  } catch (error) {
    if (signal.aborted) return;
    yield { node: address, file: '', lines: [], problem: reasonOf(error) };
  }
}

/**
 * The items of all `sources`, each as soon as it is there; one of each at most is held. Who leaves early
 * ends them all, and hears nothing of what goes wrong with them later.
 */
async function* merged<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  type Step = { readonly source: AsyncGenerator<T>; readonly step: IteratorResult<T> };
  const next = async (source: AsyncGenerator<T>): Promise<Step> => ({
    source,
    step: await source.next(),
  });
  const waiting = new Map(sources.map((source) => [source, next(source)]));
  try {
    while (waiting.size > 0) {
      const { source, step } = await Promise.race(waiting.values());
      if (step.done === true) {
        waiting.delete(source);
      } else {
        waiting.set(source, next(source));
        yield step.value;
      }
    }
  } finally {
    for (const [source, step] of waiting) {
      step.then(() => source.return(undefined)).catch(() => undefined);
    }
  }
}
