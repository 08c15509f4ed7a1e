import { isAbsolute, join } from 'node:path';
import { type BundledOperators, type OperatorCommand, resolveOperator } from '../operator/index.ts';
import { type JobPlan, type JobSpec, stageSpecOf } from '../plan/index.ts';

/** Makes the operator commands of jobs; asks for each only once. */
export class OperatorCommands {
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

  /** As `of`, for a job that has no id yet. */
  make(spec: JobSpec, stage: number): Promise<OperatorCommand> {
    const { run, args, env, shim } = stageSpecOf(
      { id: '', spec, stages: [], edges: [], tasks: [] },
      stage,
    );
    const from = (dir: string): string => (isAbsolute(dir) ? dir : join(spec.baseDir, dir));
    return resolveOperator({
      run,
      args,
      baseDirs: [spec.baseDir, ...spec.operatorDirs.map(from)],
      bundled: this.#bundled,
      hostEnv: process.env,
      env,
      shim,
    });
  }
}
