import { isAbsolute, join, resolve } from 'node:path';
import type { Clock, Logger } from '../core/index.ts';
import {
  type BundledOperators,
  findPython,
  type HostEnvironment,
  type OperatorCommand,
  type Python,
  PythonEnvironments,
  type Requirements,
  resolveOperator,
} from '../operator/index.ts';
import { type JobPlan, type JobSpec, stageSpecOf } from '../plan/index.ts';
import type { DataDir } from './data-dir.ts';
import { digestBeside } from './package-files.ts';

/** Where the operators of jobs come from. */
export interface JobOperators {
  /** The command of stage `stage`. @throws OPERATOR_NOT_FOUND, PYTHON_MISSING, ... */
  of(plan: Pick<JobPlan, 'id' | 'spec'>, stage: number): Promise<OperatorCommand>;
  /** Nothing is kept for `job` any more. */
  forget(job: string): Promise<void>;
}

/** Makes the operator commands of jobs; asks for each only once. */
export class OperatorCommands implements JobOperators {
  readonly #bundled: BundledOperators;
  readonly #environments: PythonEnvironments;
  readonly #made = new Map<string, Promise<OperatorCommand>>();

  constructor(bundled: BundledOperators, environments: PythonEnvironments) {
    this.#bundled = bundled;
    this.#environments = environments;
  }

  /**
   * The command of stage `stage`.
   * @throws REQUIREMENTS_FAILED, OPERATOR_NOT_FOUND, OPERATOR_NOT_EXECUTABLE, PYTHON_MISSING, PYTHON_TOO_OLD
   */
  of(plan: Pick<JobPlan, 'id' | 'spec'>, stage: number): Promise<OperatorCommand> {
    const key = `${plan.id}/${stage}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = this.make(plan.spec, stage);
    this.#made.set(key, made);
    made.catch(() => this.#made.delete(key));
    return made;
  }

  async forget(job: string): Promise<void> {
    for (const key of this.#made.keys()) if (key.startsWith(`${job}/`)) this.#made.delete(key);
  }

  /** As `of`, for a job that has no id yet. */
  async make(spec: JobSpec, stage: number): Promise<OperatorCommand> {
    const { run, args, env, shim } = stageSpecOf(
      { id: '', spec, stages: [], edges: [], tasks: [] },
      stage,
    );
    const from = (dir: string): string => (isAbsolute(dir) ? dir : join(spec.baseDir, dir));
    const hostEnv = await hostFor(spec, this.#environments, {
      path: resolve(spec.baseDir, spec.requirements),
      folder: spec.baseDir,
      beside: () => digestBeside(spec),
    });
    return resolveOperator({
      run,
      args,
      baseDirs: [spec.baseDir, ...spec.operatorDirs.map(from)],
      bundled: this.#bundled,
      env,
      shim,
      hostEnv,
    });
  }
}

/** Python packages of jobs, kept below `dir`; sentences call this machine `vm`. */
export function pythonEnvironments({
  dir,
  ...rest
}: {
  readonly dir: DataDir;
  readonly clock: Clock;
  readonly log: Logger;
  readonly vm: string;
}): PythonEnvironments {
  const { environments, groupsFile } = dir;
  return new PythonEnvironments({ ...rest, dir: environments, groupsFile, host: process.env });
}

/**
 * What operators of `spec` may see of the host: with the packages of its requirements, if it has any.
 * @throws REQUIREMENTS_FAILED, PYTHON_MISSING, PYTHON_TOO_OLD
 */
export async function hostFor(
  { requirements }: JobSpec,
  environments: PythonEnvironments,
  where: Omit<Requirements, 'name'>,
): Promise<HostEnvironment> {
  if (requirements === '') return process.env;
  return environments.of({ ...where, name: requirements });
}

/** The Python of this program's environment, asked for ahead of time. @throws as `findPython` */
export function pythonHere(): Promise<Python> {
  return findPython('an operator', process.env);
}
