/** The description of one machine, as a hosts file gives it with its defaults filled in. */
export interface Host {
  /** how it is called in messages and tables; unique in its file */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** the only key file that is tried, before the agent; null for the usual ones */
  readonly identity: string | null;
  /** `SHA256:...` of its host key; null asks the known_hosts files */
  readonly fingerprint: string | null;
  /** address that its node listens on; null for the one that SSH reached it at */
  readonly bind: string | null;
  /** port of its node, for TCP and UDP */
  readonly nodePort: number;
  /** `host:port` that other nodes reach it at; null for the bound one */
  readonly advertise: string | null;
  /** everything is kept below this directory there; relative ones are below the home directory */
  readonly dir: string;
}

/** What a hosts file says. */
export interface HostList {
  readonly hosts: readonly Host[];
  /** the cluster key that it names, as written; null for none */
  readonly keyFile: string | null;
}
