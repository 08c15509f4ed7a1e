/**
 * Rules between the fields of a job. They look at raw values of any shape, so that they are checked
 * together with the schema and all mistakes appear at once; a value of a wrong type is the schema's
 * to report and passes here.
 */
import { formatKeyPath, type Problem, valueAt } from './job-problems.ts';
import { RESERVED_STAGE_NAMES } from './job-schema.ts';
import { locationKey } from './location.ts';

/** The broken rules between fields of `job`. */
export function ruleProblems(job: unknown): Problem[] {
  const sources = listAt(job, 'sources');
  const stages = listAt(job, 'stages');
  return [
    ...repeated(sources, 'sources', 'file', 'the same file twice would give two tuples one id'),
    ...sinkIsSource(job, sources),
    ...reservedNames(stages),
    ...repeated(stages, 'stages', 'name', 'give each stage its own name'),
    ...aggregateProcesses(stages),
    ...protoVariables(stages),
  ];
}

function listAt(job: unknown, key: string): readonly unknown[] {
  const list = valueAt(job, [key]);
  return Array.isArray(list) ? list : [];
}

/** The one name that a JavaScript object swallows: refused, since it would be dropped silently. */
function protoVariables(stages: readonly unknown[]): Problem[] {
  return stages.flatMap((stage, i) => {
    const path = ['stages', i, 'env'];
    if (valueAt(stage, ['env', '__proto__']) === undefined) return [];
    const says = `${formatKeyPath(path)} cannot set __proto__`;
    return [{ path, says, unknownKey: '__proto__' }];
  });
}

function repeated(list: readonly unknown[], key: string, field: string, remedy: string): Problem[] {
  const first = new Map<string, number>();
  const problems: Problem[] = [];
  list.forEach((entry, i) => {
    const value = valueAt(entry, [field]);
    if (typeof value !== 'string') return;
    const same = field === 'file' ? locationKey(value) : value;
    const earlier = first.get(same);
    if (earlier === undefined) {
      first.set(same, i);
      return;
    }
    const path = [key, i, field];
    const other = formatKeyPath([key, earlier, field]);
    const says = `${formatKeyPath(path)} repeats '${value}' of ${other}; ${remedy}`;
    problems.push({ path, says });
  });
  return problems;
}

function sinkIsSource(job: unknown, sources: readonly unknown[]): Problem[] {
  const path = ['sink', 'file'];
  const file = valueAt(job, path);
  if (typeof file !== 'string') return [];
  const at = sources.findIndex((source) => {
    const other = valueAt(source, ['file']);
    return typeof other === 'string' && locationKey(other) === locationKey(file);
  });
  if (at < 0) return [];
  const source = formatKeyPath(['sources', at, 'file']);
  const says = `sink.file is the file that ${source} reads, '${file}'; give another destination`;
  return [{ path, says }];
}

function reservedNames(stages: readonly unknown[]): Problem[] {
  return stages.flatMap((stage, i) => {
    const name = valueAt(stage, ['name']);
    if (typeof name !== 'string' || !RESERVED_STAGE_NAMES.includes(name)) return [];
    const path = ['stages', i, 'name'];
    return [{ path, says: `${formatKeyPath(path)} cannot be '${name}', which is reserved` }];
  });
}

function aggregateProcesses(stages: readonly unknown[]): Problem[] {
  return stages.flatMap((stage, i) => {
    const processes = valueAt(stage, ['processes']);
    if (valueAt(stage, ['type']) !== 'aggregate' || typeof processes !== 'number') return [];
    if (processes <= 1) return [];
    const path = ['stages', i, 'processes'];
    const says = `${formatKeyPath(path)} must be 1 for an aggregate, got the number ${processes}; raise tasks instead`;
    return [{ path, says }];
  });
}
