import { isAbsolute, join } from 'node:path';
import {
  type JobPlan,
  type JobSpec,
  type Location,
  outputFileName,
  parseLocation,
  storedName,
} from '../plan/index.ts';

/** The HyDFS file that a job's last stage appends to; a local destination is exported from it. */
export function destinationFileName(plan: Pick<JobPlan, 'id' | 'spec'>): string {
  const location = locate(plan.spec, plan.spec.sink.file);
  return location.kind === 'hydfs' ? location.name : outputFileName(plan.id);
}

/** Where `text` (a source or destination of `spec`) is; local paths become absolute. */
export function locate(spec: Pick<JobSpec, 'baseDir' | 'names'>, text: string): Location {
  if (spec.names === 'hydfs') return { kind: 'hydfs', name: storedName(text) };
  const location = parseLocation(text);
  if (location.kind === 'hydfs' || isAbsolute(location.path)) return location;
  return { kind: 'local', path: join(spec.baseDir, location.path) };
}
