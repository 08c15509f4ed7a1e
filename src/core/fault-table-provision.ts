/** Rows of the table of faults: what can go wrong with the machines that a cluster is put on. */
import type { FaultRow } from './fault-table.ts';

export const provisionFaults = {
  HOSTS_UNREADABLE: {
    domain: 'user',
    exit: 2,
    says: 'the hosts file {path} cannot be read ({reason}); check the path, or give the hosts as --hosts HOST,HOST',
  },
  HOSTS_INVALID: {
    domain: 'user',
    exit: 2,
    says: 'correct the hosts in {path} and run it again: {problems}',
  },
  KNOWN_HOSTS_UNREADABLE: {
    domain: 'user',
    exit: 2,
    says: 'the known hosts in {path} cannot be read ({reason}); make the file readable, or give another one with --known-hosts',
  },
  SECRET_FILE_UNUSABLE: {
    domain: 'user',
    exit: 2,
    says: 'the file {path} cannot be used for a secret ({reason}); write the secret into its first line and let only yourself read it: `chmod 600 {path}`',
  },
  PROGRAM_MISSING: {
    domain: 'user',
    exit: 2,
    says: 'the program to deploy, {path}, cannot be read ({reason}); make it with `npm run package`, or name another one with --bin',
  },
  HOST_KEY_UNKNOWN: {
    domain: 'user',
    exit: 3,
    says: 'the host key of {host} is not known ({type} {shown}); compare that fingerprint at the machine itself, then add the key with `ssh-keyscan {scan} >> {file}` or pin it in the hosts file with `fingerprint: {shown}`',
  },
  HOST_KEY_CHANGED: {
    domain: 'environment',
    exit: 3,
    says: 'THE HOST KEY OF {host} HAS CHANGED: it shows {type} {shown}, which is not the one in {place}; somebody may be listening in, so nothing was sent; ask who runs that machine before you replace the entry',
  },
  HOST_KEY_REVOKED: {
    domain: 'environment',
    exit: 3,
    says: 'the host key that {host} shows ({shown}) is revoked in {place}, so nothing was sent; ask who runs that machine for its new key',
  },
  SSH_UNREACHABLE: {
    domain: 'environment',
    exit: 3,
    says: 'cannot connect to {host} by SSH ({reason}); check its name, its port and that an SSH server runs there',
  },
  SSH_AUTH_REFUSED: {
    domain: 'user',
    exit: 3,
    says: '{host} does not let {user} in (tried: {tried}); add your public key to its authorized_keys, or give another user or identity in the hosts file',
  },
  SSH_LOST: {
    domain: 'environment',
    exit: 3,
    says: 'the SSH connection to {host} broke ({reason}); run the same command again, it goes on where it was',
  },
  PROVISION_INTERRUPTED: {
    domain: 'user',
    exit: 1,
    says: 'the work on {host} was interrupted; run the same command again, it goes on where it was',
  },
  HOST_UNFIT: {
    domain: 'environment',
    exit: 3,
    says: '{host} cannot take a node: {reason}',
  },
  UPLOAD_DAMAGED: {
    domain: 'environment',
    exit: 3,
    says: 'what arrived at {host} has the SHA-256 {got} instead of {wanted} and was removed; check the disk and the network of that machine and run the same command again',
  },
  HOST_KEY_FILE_DIFFERS: {
    domain: 'user',
    exit: 3,
    says: 'the node on {host} runs with another cluster key than {keyFile}; give the --key-file of its cluster, or end it first with `rainstorm down`',
  },
  NODE_NOT_STARTED: {
    domain: 'environment',
    exit: 3,
    says: 'the node on {host} has ended again, saying: {words}; correct that and run the same command again',
  },
  NODE_STILL_RUNS: {
    domain: 'environment',
    exit: 3,
    says: 'the node on {host} (process {pid}) still runs {seconds} s after it was asked to end; look at {dir}/node.log there and try again',
  },
  CLUSTER_INCOMPLETE: {
    domain: 'environment',
    exit: 3,
    says: 'the nodes do not list each other after {seconds} s: {problems}; check that the network lets TCP and UDP through between them',
  },
  HOSTS_FAILED: {
    domain: 'environment',
    exit: 3,
    says: '{failed} of {count} hosts failed ({names}); the reasons are above, run the same command again when they are mended',
  },
} as const satisfies Record<string, FaultRow>;
