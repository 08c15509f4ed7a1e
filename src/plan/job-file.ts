/**
 * Reads a job file: YAML in, `JobSpec` out, or every mistake with its line.
 *
 * F1. Nothing is guessed: an unknown key, a repeated key, a wrong type or a tag is a mistake.
 * F2. All mistakes are reported together, in the order of the text, each as
 *     `file:line:column: key what is wrong, what is allowed`. Only when the text is not YAML at all
 *     are the mistakes of its meaning left out.
 * F3. Work is bounded: the text by `JOB_FILE_BYTES_MAX`, aliases by `ALIASES_MAX` (so a small file
 *     cannot unfold into a huge one), the report by `PROBLEMS_SHOWN`.
 * F4. A setting that this version does not have is refused, never ignored.
 */
import { basename, dirname } from 'node:path';
import { stringify } from 'yaml';
import { fault, present } from '../core/index.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { type Problem, schemaProblems, valueAt } from './job-problems.ts';
import { ruleProblems } from './job-rules.ts';
import { type JobFile, jobFileSchema, NAME_FORM } from './job-schema.ts';
import type { JobSpec } from './job-spec.ts';
import { openYaml, type YamlText } from './yaml-text.ts';

/** Largest job file, in bytes of UTF-8 (F3). */
export const JOB_FILE_BYTES_MAX = 1024 * 1024;
const PROBLEMS_SHOWN = 30;

interface PlacedProblem {
  readonly line: number;
  readonly column: number;
  readonly says: string;
}

/**
 * Reads the job file `text`.
 * @param path where it was found, as it should appear in messages; names the job by default
 * @param baseDir the folder that its paths are relative to; make it absolute for a job that is kept
 * @throws fault JOB_FILE_INVALID with one line per mistake (F2), AUTOSCALE_NOT_YET
 */
export function parseJobFile(text: string, path: string, baseDir = dirname(path)): JobSpec {
  const bytes = Buffer.byteLength(text);
  if (bytes > JOB_FILE_BYTES_MAX) {
    const says = `the file has ${bytes} bytes, at most ${JOB_FILE_BYTES_MAX} are allowed`;
    throw invalid(path, [{ line: 1, column: 1, says }]);
  }
  const yaml = openYaml(text);
  if (yaml.broken) throw invalid(path, yaml.mistakes);
  const checked = jobFileSchema.safeParse(yaml.value);
  const found = checked.success ? [] : schemaProblems(yaml.value, checked.error.issues);
  const problems = [...found, ...ruleProblems(yaml.value)];
  const placed = [...yaml.mistakes, ...problems.map((problem) => place(yaml, problem))];
  if (placed.length === 1 && problems.length === 1 && asksForScaling(yaml.value)) {
    throw fault('AUTOSCALE_NOT_YET', { where: `${at(path, placed[0])}: autoscale` });
  }
  if (placed.length > 0) throw invalid(path, placed);
  return normalise(present(checked.data, 'a job without problems was parsed'), path, baseDir);
}

function asksForScaling(job: unknown): boolean {
  const autoscale = valueAt(job, ['autoscale']);
  return autoscale !== undefined && autoscale !== null && autoscale !== false;
}

function at(path: string, { line, column }: PlacedProblem): string {
  return `${path}:${line}:${column}`;
}

function place(yaml: YamlText, problem: Problem): PlacedProblem {
  return { ...yaml.placeOf(problem.path, problem.unknownKey), says: problem.says };
}

function invalid(path: string, problems: readonly PlacedProblem[]): Error {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const shown = sorted.slice(0, PROBLEMS_SHOWN);
  const lines = shown.map((problem) => `${at(path, problem)}: ${problem.says}`);
  if (sorted.length > PROBLEMS_SHOWN) lines.push(`and ${sorted.length - PROBLEMS_SHOWN} more`);
  return fault('JOB_FILE_INVALID', { path, problems: listed(lines) });
}

/** One problem ends the sentence; several follow it, one a line. */
export function listed(problems: readonly string[]): string {
  return problems.length === 1 ? problems[0] : `\n${problems.join('\n')}`;
}

function normalise(job: JobFile, path: string, baseDir: string): JobSpec {
  return {
    ...job,
    name: job.name ?? nameFrom(path),
    baseDir,
    names: 'local',
    stages: job.stages.map(({ deadline, ...stage }) => {
      return { ...stage, deadlineMs: present(parseDuration(deadline), 'a checked deadline') };
    }),
  };
}

/** A job name made of the base name of a file: its last extension goes, odd characters become `-`. */
export function nameFrom(path: string): string {
  const base = basename(path);
  const stem = base.replace(/(?<=.)\.[^.]*$/, '');
  const name = stem
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
  return NAME_FORM.test(name) ? name : 'job';
}

/** The job file (YAML) that `parseJobFile` reads as `spec`, given the same `baseDir`. */
export function formatJobFile(spec: JobSpec): string {
  const { baseDir: _, names: __, ...job } = spec;
  const stages = spec.stages.map(({ deadlineMs, ...stage }) => {
    return { ...stage, deadline: formatDuration(deadlineMs) };
  });
  return stringify({ ...job, stages });
}
