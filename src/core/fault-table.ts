/**
 * The table of every fault this program reports to a person.
 *
 * A row is one sentence that says what, where and what to do. `{name}` marks a parameter; the
 * parameters of a row are checked by the compiler. Domains: `user` (the input or the command is
 * wrong), `environment` (disk, network, another process), `internal` (the program refused its own
 * state). Exit codes: 1 the job failed, 2 usage, 3 the cluster or data directory cannot be reached.
 */
import { clusterFaults } from './fault-table-cluster.ts';
import { fileFaults } from './fault-table-files.ts';
import { provisionFaults } from './fault-table-provision.ts';

export type FaultDomain = 'user' | 'environment' | 'internal';

/** A row; see the head of this file. */
export interface FaultRow {
  readonly domain: FaultDomain;
  readonly exit: 1 | 2 | 3;
  readonly says: string;
}

export const faultTable = {
  ...clusterFaults,
  ...fileFaults,
  ...provisionFaults,
  // jobs and their destinations
  JOB_FILE_UNREADABLE: {
    domain: 'user',
    exit: 2,
    says: 'the job file {path} cannot be read ({reason}); check the path',
  },
  JOB_FAILED: {
    domain: 'user',
    exit: 1,
    says: 'the job {name} failed: {reason}',
  },
  JOB_UNFINISHED: {
    domain: 'user',
    exit: 2,
    says: 'a job named {name} ({job}) with other settings is unfinished in this data directory; run its own command again to resume it, give it up and begin anew with --restart, or name this one differently',
  },
  DESTINATION_EXISTS: {
    domain: 'user',
    exit: 2,
    says: 'the destination {destination} exists already; give another one, or --overwrite to replace it',
  },
  DESTINATION_TAKEN: {
    domain: 'user',
    exit: 2,
    says: 'the destination {destination} belongs to the unfinished job {name} ({job}); run that one to its end, give this one another destination, or give that one up with --overwrite',
  },
  DESTINATION_UNWRITABLE: {
    domain: 'user',
    exit: 2,
    says: 'the destination {destination} cannot be written ({reason}); give a path in a folder that you can write to',
  },
  DESTINATION_IS_SOURCE: {
    domain: 'user',
    exit: 2,
    says: 'the destination is also the source {file}; give another destination',
  },
  NODE_NOT_RUNNING: {
    domain: 'user',
    exit: 3,
    says: 'no node runs on the data directory {dir}; start one with `rainstorm node`, or give its directory with --data',
  },
  VOTER_UNKNOWN: {
    domain: 'user',
    exit: 2,
    says: '{address} is not a voter; the voters are {voters}, give one of them',
  },
  NODE_NOT_CLOSED: {
    domain: 'environment',
    exit: 1,
    says: 'the node did not close cleanly ({reason}); what it had acknowledged is safe, check the disk and start it again',
  },
  DATA_DIR_MISSING: {
    domain: 'user',
    exit: 3,
    says: 'there is no data directory {dir}; give the one of your job with --data',
  },
  // sources and tasks
  SOURCE_MISSING: {
    domain: 'user',
    exit: 2,
    says: 'the source {source} does not exist; check the path, or write hydfs:NAME for a file in HyDFS',
  },
  SOURCE_UNREADABLE: {
    domain: 'user',
    exit: 2,
    says: 'the source {source} cannot be read ({reason}); give a readable regular file',
  },
  SOURCE_CHANGED: {
    domain: 'user',
    exit: 1,
    says: 'the source {source} changed while the job was reading it: {how}; put the original back and run the same command again, or begin anew with --restart',
  },
  SOURCE_LINE_TOO_LONG: {
    domain: 'user',
    exit: 1,
    says: 'the line {tuple} is longer than 16 MiB; split it before the job reads it',
  },
  TUPLE_HAS_NEWLINE: {
    domain: 'user',
    exit: 1,
    says: 'the tuple {tuple} has a newline in its key or value, which the lines protocol of {task} cannot carry; use `protocol: native` for that stage',
  },
  CHANNEL_FORGOTTEN: {
    domain: 'environment',
    exit: 1,
    says: 'the next task holds {consumed} of the {acked} tuples that it had acknowledged, so its log or the destination was removed; put it back, or run the job anew with --restart',
  },
  CHANNEL_DIVERGED: {
    domain: 'internal',
    exit: 1,
    says: 'a channel has consumed up to tuple {consumed}, but its producer knows only {produced}: a log was lost or replaced; run the job anew with --restart, and report this',
  },
  TASK_BROKEN: {
    domain: 'internal',
    exit: 1,
    says: 'the task {task} stopped on an internal error ({reason}); run the same command again to resume, and report this',
  },
  // usage and job files
  INTERRUPTED: {
    domain: 'user',
    exit: 1,
    says: '{doing} was interrupted and left nothing behind; run the same command again',
  },
  USAGE: { domain: 'user', exit: 2, says: '{problem}; see `rainstorm --help`' },
  JOB_FILE_INVALID: {
    domain: 'user',
    exit: 2,
    says: 'correct the job file {path} and run it again: {problems}',
  },
  JOB_SPEC_INVALID: {
    domain: 'internal',
    exit: 1,
    says: 'a stored job description cannot be read ({problems}); it was written by another version, run the job again under another destination',
  },
  ARGUMENTS_INVALID: {
    domain: 'user',
    exit: 2,
    says: '{problems}\nthe form is: rainstorm {form}',
  },
  AUTOSCALE_NOT_YET: {
    domain: 'user',
    exit: 2,
    says: '{where} asks for elastic stages, which are not in this version; remove autoscale (or give AutoScalable as false)',
  },
  LOCATION_INVALID: {
    domain: 'user',
    exit: 2,
    says: "the file name '{text}' cannot be used: {reason}",
  },
  // data directory and disk
  DATA_DIR_LOCKED: {
    domain: 'user',
    exit: 3,
    says: 'the data directory {dir} is in use by process {pid}; stop that process or give another --data',
  },
  DATA_DIR_UNUSABLE: {
    domain: 'environment',
    exit: 3,
    says: 'the data directory {dir} cannot be used ({reason}); make it a directory this user may read and write, or give another --data',
  },
  DISK_FULL: {
    domain: 'environment',
    exit: 1,
    says: 'no space left while writing {path}; free some space and run the same command again, nothing acknowledged is lost',
  },
  DISK_FAILED: {
    domain: 'environment',
    exit: 1,
    says: 'the disk failed while {doing} {path} ({reason}); this copy is not trusted any more, check the disk and run the same command again',
  },
  // network
  ADDRESS_INVALID: {
    domain: 'user',
    exit: 2,
    says: "the address '{address}' cannot be used: {reason}; write host:port or unix:/path",
  },
  PORT_IN_USE: {
    domain: 'user',
    exit: 3,
    says: 'the address {address} is in use by another process; stop that process or give another port',
  },
  LISTEN_FAILED: {
    domain: 'environment',
    exit: 3,
    says: 'cannot listen on {address} ({reason}); give an address of this machine that this user may use',
  },
  KEY_REQUIRED: {
    domain: 'user',
    exit: 2,
    says: 'refusing to listen on {address}, which other machines can reach, without a cluster key; give --key-file or a loopback address',
  },
  KEY_FILE_UNREADABLE: {
    domain: 'user',
    exit: 2,
    says: 'the key file {path} cannot be read ({reason}); check the path, or make a key with `rainstorm keygen {path}`',
  },
  KEY_FILE_EXPOSED: {
    domain: 'user',
    exit: 2,
    says: 'the key file {path} is not private ({reason}); let only the user who runs this read it: `chown {user} {path}; chmod 600 {path}`',
  },
  KEY_FILE_INVALID: {
    domain: 'user',
    exit: 2,
    says: 'the key file {path} holds no cluster key ({reason}); write one or two keys of 64 hexadecimal digits, each on a line of its own, as `rainstorm keygen` does',
  },
  KEY_FILE_EXISTS: {
    domain: 'user',
    exit: 2,
    says: 'the key file {path} exists already and a key is never replaced; give another path',
  },
  KEY_FILE_UNWRITABLE: {
    domain: 'user',
    exit: 2,
    says: 'the key file {path} cannot be written ({reason}); give a path in a folder that you can write to',
  },
  KEY_WRONG: {
    domain: 'user',
    exit: 3,
    says: 'wrong key: {address} belongs to a cluster that does not know the key {key}; give the --key-file of that cluster',
  },
  PEER_FOREIGN: {
    domain: 'environment',
    exit: 3,
    says: 'what answers at {address} is not a RainStorm node like this one ({reason}); check the address, and that both have a --key-file or neither',
  },
  PEER_UNREACHABLE: {
    domain: 'environment',
    exit: 3,
    says: 'cannot reach {address} ({reason}); check that a node runs there and that the network lets it answer',
  },
  PEER_LOST: {
    domain: 'environment',
    exit: 3,
    says: 'the connection to {peer} broke ({reason}); check that the node still runs',
  },
  PEER_SILENT: {
    domain: 'environment',
    exit: 3,
    says: '{peer} has not answered for {seconds} s and is taken for dead; check that the node runs and is not stopped or overloaded',
  },
  PEER_SLOW: {
    domain: 'environment',
    exit: 3,
    says: '{peer} has left {bytes} bytes unread and its connection was closed; check that the node is not overloaded',
  },
  PEER_CLOSED: {
    domain: 'environment',
    exit: 3,
    says: '{peer} closed the connection: {reason}',
  },
  PROTOCOL_VERSION: {
    domain: 'environment',
    exit: 3,
    says: '{peer} speaks the protocol versions {theirs} and {node} speaks {ours}; run the same release of rainstorm on both',
  },
  WIRE_INVALID: {
    domain: 'internal',
    exit: 3,
    says: 'a message breaks the protocol: {problem}; run the same release of rainstorm on every node',
  },
  REQUEST_UNKNOWN: {
    domain: 'internal',
    exit: 3,
    says: 'there is no request named {method} here; run the same release of rainstorm on every node',
  },
  REQUEST_INVALID: {
    domain: 'internal',
    exit: 2,
    says: 'the request {method} is not valid ({problem}); correct it or run the same release of rainstorm on every node',
  },
  REQUESTS_TOO_MANY: {
    domain: 'environment',
    exit: 3,
    says: '{peer} has {count} unanswered requests, which is the limit; try again later',
  },
  SEEDS_SILENT: {
    domain: 'environment',
    exit: 3,
    says: 'no seed ({seeds}) has answered {tries} requests to join; check that a node runs there with the same key and that the network lets datagrams through, asking goes on',
  },
  DATAGRAM_KEY_UNKNOWN: {
    domain: 'environment',
    exit: 3,
    says: 'datagrams from {address} are not sealed with the key of this cluster and are dropped; give that node the same --key-file',
  },
  CLOCK_DIFFERS: {
    domain: 'environment',
    exit: 3,
    says: 'the clock of {address} is {seconds} s away from the one here, so the node there cannot join; set both clocks right',
  },
  REMOTE_FAILED: {
    domain: 'environment',
    exit: 1,
    says: '{peer} reports {code}: {reason}',
  },
  LOG_CORRUPT: {
    domain: 'environment',
    exit: 1,
    says: 'the log {path} is damaged at byte {offset}: {reason}; nothing was cut off, restore the file from a copy or remove what it belongs to',
  },
  LOG_TRIMMED: {
    domain: 'internal',
    exit: 1,
    says: 'entry {index} of the log {path} was trimmed, its first entry is {first}; read from there',
  },
  LOG_CLOSED: {
    domain: 'internal',
    exit: 1,
    says: 'the log {path} is closed; open it again before appending to it',
  },
  ENTRY_TOO_LARGE: {
    domain: 'user',
    exit: 1,
    says: 'an entry of {bytes} bytes is too large for the log {path}, which takes {most} at most; nothing of it was written; give it in smaller pieces',
  },
  // control log and jobs
  CONTROL_LOG_INVALID: {
    domain: 'environment',
    exit: 3,
    says: 'the control log in {dir} cannot be read ({reason}); it is damaged or of another version, start with another data directory',
  },
  CONTROL_UNAVAILABLE: {
    domain: 'environment',
    exit: 3,
    says: 'the control log takes no decisions here ({reason}); run the command again on the node that leads',
  },
  JOB_UNKNOWN: {
    domain: 'user',
    exit: 2,
    says: 'there is no job {job}; `rainstorm jobs` lists those that exist',
  },
  JOB_NAME_TAKEN: {
    domain: 'user',
    exit: 2,
    says: 'a job named {name} is not finished yet ({job}); resume it, stop it, or give this one another name',
  },
  JOB_EXISTS: {
    domain: 'user',
    exit: 2,
    says: 'the job id {job} has been used; submit under another id',
  },
  JOB_CHANGED: {
    domain: 'user',
    exit: 2,
    says: 'job {job} was started from another description than the one given; resume it with its own, or stop it first',
  },
  JOB_STATE_REFUSED: {
    domain: 'user',
    exit: 2,
    says: 'job {job} is {state} and cannot be {wish}; look at `rainstorm jobs` and try again',
  },
  // HyDFS
  FILE_EXISTS: {
    domain: 'user',
    exit: 1,
    says: 'the file {name} exists already; choose another name or remove it first',
  },
  FILE_MISSING: {
    domain: 'user',
    exit: 1,
    says: 'there is no file {name}; create it first, or list the files with `rainstorm fs ls`',
  },
  FILE_TRIMMED: {
    domain: 'internal',
    exit: 1,
    says: 'byte {from} of {name} was trimmed, the file now begins at byte {trimmedTo}; read from there',
  },
  INVALID_NAME: {
    domain: 'user',
    exit: 2,
    says: 'the file name {name} is not valid: {problem}; use 1 to 255 bytes of UTF-8 in parts separated by single slashes',
  },
  WRITER_GAP: {
    domain: 'internal',
    exit: 1,
    says: 'writer {writer} of {name} appended number {seq}, but number {expected} comes next; open the writer again to learn where it stands',
  },
  WRITER_NOT_OPEN: {
    domain: 'internal',
    exit: 1,
    says: 'writer {writer} appended to {name} with epoch {epoch}, which was never opened (the newest is {newest}); open the writer first',
  },
  FENCED: {
    domain: 'internal',
    exit: 1,
    says: 'writer {writer} of {name} has epoch {epoch}, but epoch {newest} has taken over',
  },
  STORE_ID_INVALID: {
    domain: 'environment',
    exit: 3,
    says: '{path} does not hold the id of a store; put back the one that it had, or move the files beside it away and let this node begin with an empty store',
  },
  NOT_PRIMARY: {
    domain: 'environment',
    exit: 3,
    says: 'this node is not the primary of ring point {point} (configuration {version}); ask the node that the newest configuration names',
  },
  REPLICA_NOT_READY: {
    domain: 'environment',
    exit: 3,
    says: '{name} cannot be served at this moment ({reason}); try again shortly',
  },
  // blocks and log records
  BLOCK_INVALID: {
    domain: 'internal',
    exit: 1,
    says: 'a block of tuples is damaged and was refused ({problem}); run `rainstorm verify` on the job to find the log it came from',
  },
  RECORD_INVALID: {
    domain: 'internal',
    exit: 1,
    says: 'a record of a task log is damaged and was refused ({problem}); run `rainstorm verify` on the job to find the log it came from',
  },
  // operators
  OPERATOR_NOT_FOUND: {
    domain: 'user',
    exit: 1,
    says: 'the operator {run} was not found ({looked}); correct the path or use a bundled operator ({bundled})',
  },
  OPERATOR_NOT_EXECUTABLE: {
    domain: 'user',
    exit: 1,
    says: 'the operator {path} cannot be run ({reason}); make it executable with `chmod +x` or name a Python script `*.py`',
  },
  PYTHON_MISSING: {
    domain: 'environment',
    exit: 1,
    says: 'the operator {run} needs Python but {tried} could not be run ({reason}); install python3 {needed} or newer or set PYTHON to its path',
  },
  PYTHON_TOO_OLD: {
    domain: 'environment',
    exit: 1,
    says: 'the operator {run} needs Python {needed} or newer but {python} is {version}; install a newer one or set PYTHON to its path',
  },
  REQUIREMENTS_FAILED: {
    domain: 'user',
    exit: 1,
    says: 'the Python packages of {file} could not be installed on {vm} ({reason}); mend the file, or put wheels beside it, list them under `files` and name them with `--no-index --find-links`',
  },
  OPERATOR_START_FAILED: {
    domain: 'user',
    exit: 1,
    says: 'the operator {operator} {how} before it read any input; correct the script and run the same command again{trace}',
  },
  OPERATOR_PROTOCOL: {
    domain: 'user',
    exit: 1,
    says: 'Protocol Mismatch: the operator {operator} wrote {line} where {expected} was expected, answering the input with key {key}; print one answer per input and send everything else to stderr{trace}',
  },
  OPERATOR_TOO_MANY_ANSWERS: {
    domain: 'user',
    exit: 1,
    says: 'Protocol Mismatch: the operator {operator} gave more answers than it had inputs; print exactly one `forward` or `filter` per input, use `emit` for further outputs{trace}',
  },
  OPERATOR_CLOSED_STDOUT: {
    domain: 'user',
    exit: 1,
    says: 'Process Closed Stdout: the operator {operator} closed its output but went on running, {unanswered} inputs are unanswered; keep stdout open until stdin ends{trace}',
  },
  OPERATOR_STOPPED_EARLY: {
    domain: 'user',
    exit: 1,
    says: 'the operator {operator} exited with 0 before its input ended, {unanswered} inputs are unanswered; read until the end of stdin{trace}',
  },
  OPERATOR_CRASHES_ALWAYS: {
    domain: 'user',
    exit: 1,
    says: 'the operator {operator} failed on {count} inputs in a row ({reason}); correct the script and run the same command again{trace}',
  },
  OPERATOR_BUFFERS_OUTPUT: {
    domain: 'user',
    exit: 1,
    says: 'the operator {operator} answers only when its input ends; flush the output after each answer (awk: fflush(), C: fflush(stdout), Python: do not read all input first){trace}',
  },
  OPERATOR_REBUILD_FAILED: {
    domain: 'user',
    exit: 1,
    says: 'the state of the operator {operator} could not be rebuilt from its {inputs} earlier inputs ({reason}); correct the script and run the same command again{trace}',
  },
  OPERATOR_CLOSED: {
    domain: 'internal',
    exit: 1,
    says: 'the operator {operator} was given input after it was closed',
  },
} as const satisfies Record<string, FaultRow>;
