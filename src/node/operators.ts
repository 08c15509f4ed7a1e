import { isAbsolute, join } from 'node:path';
import {
  type BundledOperators,
  type OperatorCommand,
  type ResolveOptions,
  resolveOperator,
} from '../operator/index.ts';
import { type JobPlan, type JobSpec, stageSpecOf } from '../plan/index.ts';

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
  readonly #made = new Map<string, Promise<OperatorCommand>>();

  constructor(bundled: BundledOperators) {
    this.#bundled = bundled;
  }

  /**
   * The command of stage `stage`.
   * @throws OPERATOR_NOT_FOUND, OPERATOR_NOT_EXECUTABLE, PYTHON_MISSING, PYTHON_TOO_OLD
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
  make(spec: JobSpec, stage: number): Promise<OperatorCommand> {
    const { run, args, env, shim } = stageSpecOf(
      { id: '', spec, stages: [], edges: [], tasks: [] },
      stage,
    );
    const from = (dir: string): string => (isAbsolute(dir) ? dir : join(spec.baseDir, dir));
    return commandHere({
      run,
      args,
      baseDirs: [spec.baseDir, ...spec.operatorDirs.map(from)],
      bundled: this.#bundled,
      env,
      shim,
    });
  }
}

/** As `resolveOperator`, with the environment of this program. */
export function commandHere(options: Omit<ResolveOptions, 'hostEnv'>): Promise<OperatorCommand> {
  return resolveOperator({ ...options, hostEnv: process.env });
}
