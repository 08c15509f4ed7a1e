/**
 * provision: a cluster on machines that are reached by SSH.
 *
 *   const { hosts } = parseHostsFile(text, 'hosts.yaml', userInfo().username);
 *   const trust = await HostTrust.read([join(homedir(), '.ssh', 'known_hosts')]);
 *   const session = { credentials, trust, clock: systemClock, signal };
 *   const program = await Program.read(programPath());
 *   const how = { restart: false, onlyMissing: false, voters: 5 };
 *   const { rows } = await ensureUp({ hosts, program, session, key, ...how, onProgress });
 *   await takeDown({ hosts, clean: false, session, onProgress });
 *
 * On a host everything is below one directory, made by `up` and marked with `.rainstorm-node`:
 *
 *   versions/<SHA-256>/rainstorm    programs; `current` is a link to the version brought last
 *   incoming/                       what is being copied, under the hash of its bytes
 *   cluster.key                     mode 0600
 *   node.pid                        process id, its start time and its version; node.log beside it
 *   data/                           the data directory of the node
 *
 * A host needs a POSIX shell, a SHA-256 tool and, for a copy in a third of the time, zstd or gzip.
 */
export type { Credentials, Secrets } from './credentials.ts';
export { expandHome } from './credentials.ts';
export { type DownRequest, type DownRow, takeDown } from './down.ts';
export type { Host, HostList } from './host.ts';
export { HostTrust } from './host-trust.ts';
export { parseHostsFile, parseHostWords } from './hosts-file.ts';
export type { ClusterKeyFile, KeyChoice } from './key-choice.ts';
export { Program, programPath } from './program.ts';
export type { Progress } from './progress.ts';
export { shellCommand } from './quote.ts';
export type { SessionOptions } from './ssh-session.ts';
export { ensureUp, type UpRequest, type UpResult, type UpRow } from './up.ts';
