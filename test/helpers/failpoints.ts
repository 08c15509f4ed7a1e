import { projectFiles, readSource } from './tidy/source.ts';
import { type Failpoint, findFailpoints } from './tidy/tests.ts';

/** Every failpoint of the program, by reading its sources: nobody keeps a second list. */
export function allFailpoints(root: string): readonly Failpoint[] {
  const sources = projectFiles(root, 'src').filter((path) => path.endsWith('.ts'));
  return findFailpoints(sources.map((path) => readSource(root, path))).named;
}
