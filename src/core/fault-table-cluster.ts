/** Rows of the table of faults that are about jobs of a cluster; see `fault-table.ts`. */
import type { FaultRow } from './fault-table.ts';

export const clusterFaults = {
  SOURCE_NOT_STORED: {
    domain: 'user',
    exit: 2,
    says: 'the source {name} is not in HyDFS, but {path} is a file here; put it there with `{command}` and run the same command again',
  },
  SOURCE_REPEATED: {
    domain: 'user',
    exit: 2,
    says: 'the source {name} is given twice, which would give two tuples one id; give each file once',
  },
  PACKAGE_FILE_UNUSABLE: {
    domain: 'user',
    exit: 2,
    says: 'the file {file} that {where} lists under `files` cannot be brought along ({reason}); give files and folders beside the job file',
  },
  PACKAGE_TOO_LARGE: {
    domain: 'user',
    exit: 2,
    says: 'the files that the job brings are too many or too large at {file}: at most {files} files and {mebibytes} MiB; put data into HyDFS and list only what operators need',
  },
  PACKAGE_DAMAGED: {
    domain: 'environment',
    exit: 1,
    says: 'what job {job} brought is damaged: {file}, {problem}; submit the job again',
  },
  PATH_IN_CLUSTER: {
    domain: 'user',
    exit: 2,
    says: "'{text}' is no HyDFS name ({reason}), and a job of a cluster reads and writes HyDFS only; put a local file there with `rainstorm fs create NAME FILE` and give its NAME",
  },
  VM_UNKNOWN: {
    domain: 'user',
    exit: 2,
    says: 'no node is called {vm}; give one of {vms}, as `rainstorm tasks` lists them',
  },
  PID_UNKNOWN: {
    domain: 'user',
    exit: 2,
    says: 'no task at {vm} has an operator with the process id {pid}, and nothing else is killed; look at `rainstorm tasks`',
  },
  LOG_FILE_MISSING: {
    domain: 'environment',
    exit: 1,
    says: '{vm} has no log file {file} any more; list those that exist with `rainstorm logs JOB`',
  },
  LEADER_MISSING: {
    domain: 'environment',
    exit: 3,
    says: 'no node answers for the jobs of the cluster at this moment ({reason}); more than half of the voters must be up and reach each other, try again shortly',
  },
} as const satisfies Record<string, FaultRow>;
