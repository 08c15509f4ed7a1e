/**
 * The schemas of a job: as people write it (`jobFileSchema`, published as JSON Schema for editors)
 * and as the control log keeps it (`jobSpecSchema`). Both are made of the same fields.
 *
 * S1. Every field carries `title` (what it is for) and `description` (what is allowed). The error
 *     messages and the published schema are both made of these, so they cannot disagree.
 * S2. Unknown keys are mistakes: a setting that is misspelt must not silently do nothing.
 * S3. What this version cannot do is not in the schema, and is refused by name elsewhere.
 * S4. Rules between fields are in `job-rules.ts`; a schema sees one field at a time.
 */
import { z } from 'zod';
import { fault } from '../core/index.ts';
import { DURATION_FORM, parseDuration } from './duration.ts';
import type { JobSpec } from './job-spec.ts';
import { locationProblem } from './location.ts';

export const JOB_SOURCES_MAX = 64;
export const STAGES_MAX = 16;
/** Tasks of one stage: far above any machine, far below the 1024 slots. */
export const TASKS_MAX = 64;
export const PROCESSES_MAX = 16;
/** Tuples a second; more than any machine reads, small enough for exact arithmetic. */
export const RATE_MAX = 1e9;
export const DEADLINE_MS_DEFAULT = 30_000;
export const DEADLINE_MS_MAX = 24 * 3_600_000;
const ARGS_MAX = 256;
const ARG_LENGTH_MAX = 65_536;
const ENV_MAX = 64;
const OPERATOR_DIRS_MAX = 16;
const FILES_MAX = 64;

export const STAGE_TYPES = ['filter', 'transform', 'aggregate'] as const;
export const OUTPUT_LOGGING = ['sample', 'all', 'none'] as const;
export const SINK_FORMATS = ['kv', 'value', 'tsv', 'json', 'csv'] as const;
/** Stage names that mean something else. */
export const RESERVED_STAGE_NAMES: readonly string[] = ['source', 'sink'];
export const NAME_FORM = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** `schema` with its purpose and what it allows (S1); must be the last step of a field. */
function field<T extends z.ZodType>(schema: T, title: string, description: string): T {
  return schema.meta({ title, description });
}

const nulFree = (text: string): boolean => !text.includes('\0');
const NAME_RULE =
  '1 to 64 letters, digits, dots, underscores or hyphens, beginning with a letter or digit';

const name = z.string().regex(NAME_FORM);
const path = z.string().min(1).max(4096).refine(nulFree);
const location = z
  .string()
  .min(1)
  .refine((text) => locationProblem(text) === null);
const rate = field(
  z.number().min(0).max(RATE_MAX).default(0),
  'Tuples a second',
  'a number from 0 to 1000000000 (0 = unlimited)',
);

function flag(otherwise: boolean, title: string): z.ZodDefault<z.ZodBoolean> {
  return field(z.boolean().default(otherwise), title, `true or false (default ${otherwise})`);
}

function count(max: number, title: string): z.ZodDefault<z.ZodNumber> {
  const schema = z.number().int().min(1).max(max).default(1);
  return field(schema, title, `a whole number from 1 to ${max} (default 1)`);
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T, title: string) {
  return field(z.enum(values), title, `one of ${values.join(', ')}`);
}

const text = field(
  z.string().max(ARG_LENGTH_MAX).refine(nulFree),
  'A text',
  `a text of at most ${ARG_LENGTH_MAX} characters without NUL`,
);

const environment = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), text)
  .refine((env) => Object.keys(env).length <= ENV_MAX);

function files(title: string) {
  return field(
    z
      .array(field(path, 'A file', 'a file or folder'))
      .max(FILES_MAX)
      .default([]),
    title,
    `a list of at most ${FILES_MAX} files or folders beside the job file`,
  );
}

const stageFields = {
  name: field(name, 'What the stage is called', `${NAME_RULE}, and neither 'source' nor 'sink'`),
  type: oneOf(STAGE_TYPES, 'What the stage does with a tuple'),
  run: field(
    path,
    'The operator',
    'a script or executable: a path relative to the job file, or the name of a bundled operator',
  ),
  args: field(
    z.array(text).max(ARGS_MAX).default([]),
    "The operator's arguments",
    `a list of at most ${ARGS_MAX} texts, such as [Street, '3']`,
  ),
  tasks: count(TASKS_MAX, 'How many tasks share the stage'),
  processes: count(PROCESSES_MAX, 'Operator processes of each task (aggregates have one)'),
  protocol: field(
    z.literal('lines').default('lines'),
    'How the operator is spoken to',
    "'lines' (the only protocol of this version)",
  ),
  shim: flag(true, 'Start Python scripts through the buffering shim'),
  env: field(
    environment.default({}),
    "Added to the operator's environment",
    `a map of at most ${ENV_MAX} variable names to texts, such as { LANG: C.UTF-8 }`,
  ),
  files: files('What the operator needs beside its script'),
};

const deadline = field(
  z
    .string()
    .regex(DURATION_FORM)
    .refine((text) => isDeadline(parseDuration(text)))
    .default('30s'),
  'How long one tuple may take before its operator counts as hung',
  'a duration from 1ms to 24h such as 500ms, 10s or 2m (default 30s)',
);

function isDeadline(ms: number | null): boolean {
  return ms !== null && ms >= 1 && ms <= DEADLINE_MS_MAX;
}

const source = field(
  z.strictObject({
    file: field(location, 'The file to read', "a local path, or 'hydfs:' and a HyDFS name"),
    rate,
    follow: flag(false, 'Wait for more at the end of the file'),
  }),
  'One source',
  'a map such as { file: data.csv }',
);

const sink = field(
  z.strictObject({
    file: field(location, 'The file to write', "a local path, or 'hydfs:' and a HyDFS name"),
    format: field(
      z.enum(SINK_FORMATS).default('kv'),
      'How a tuple becomes a line',
      `one of ${SINK_FORMATS.join(', ')} (default kv)`,
    ),
  }),
  'The destination',
  'a map such as { file: counts.txt, format: kv }',
);

const sources = field(
  z.array(source).min(1).max(JOB_SOURCES_MAX),
  'The files to read',
  `a list of 1 to ${JOB_SOURCES_MAX} sources, such as [{ file: data.csv }]`,
);

const jobFields = {
  operatorDirs: field(
    z
      .array(field(path, 'A folder', 'a folder'))
      .max(OPERATOR_DIRS_MAX)
      .default([]),
    'Further folders to look for operators in',
    `a list of at most ${OPERATOR_DIRS_MAX} folders`,
  ),
  files: files('What every operator needs beside its script'),
  requirements: field(
    z.union([z.literal(''), path]).default(''),
    'The Python packages that operators need',
    'a file in the form of pip, such as requirements.txt',
  ),
  rate,
  sink,
  exactlyOnce: flag(true, 'Whether every effect appears exactly once (false: at least once)'),
  logOutputs: field(
    z.enum(OUTPUT_LOGGING).default('sample'),
    'Which outputs the tasks write into their logs',
    `one of ${OUTPUT_LOGGING.join(', ')} (default sample: a few a second)`,
  ),
  autoscale: field(
    z.literal(false).default(false),
    'Elastic stages (not in this version)',
    'false (elastic stages are not in this version)',
  ),
};

/** All stages, each made of `fields`. */
function stageList<T extends z.core.$ZodLooseShape>(fields: T) {
  const stage = field(
    z.strictObject(fields),
    'One stage',
    'a map such as { name: pick, type: filter, run: filter.py }',
  );
  return field(
    z.array(stage).min(1).max(STAGES_MAX),
    'The stages, first to last',
    `a list of 1 to ${STAGES_MAX} stages, such as [{ name: pick, type: filter, run: filter.py }]`,
  );
}

/** A job as people write it. */
export const jobFileSchema = field(
  z.strictObject({
    name: field(
      name.optional(),
      'What the job is called',
      `${NAME_RULE} (default: the name of the job file)`,
    ),
    sources,
    stages: stageList({ ...stageFields, deadline }),
    ...jobFields,
  }),
  'RainStorm job',
  'a map with the keys sources, stages and sink',
);

/** What `jobFileSchema` yields, defaults filled in. */
export type JobFile = z.output<typeof jobFileSchema>;

/** A job as the control log keeps it: everything decided, durations in milliseconds. */
export const jobSpecSchema = z.strictObject({
  name,
  baseDir: z.string().min(1).max(4096).refine(nulFree),
  names: z.enum(['local', 'hydfs']).default('local'),
  sources,
  ...jobFields,
  stages: stageList({ ...stageFields, deadlineMs: z.number().int().min(1).max(DEADLINE_MS_MAX) }),
});

/** The JSON Schema of a job file, for editors. */
export function jobSpecJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(jobFileSchema, { io: 'input', target: 'draft-7' });
}

/**
 * Reads a job that was stored or sent; nothing from outside this process is believed unchecked.
 * @throws fault JOB_SPEC_INVALID
 */
export function decodeJobSpec(value: unknown): JobSpec {
  const result = jobSpecSchema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 5).map((issue) => {
    return `${issue.path.join('.') || 'the whole'}: ${issue.message}`;
  });
  throw fault('JOB_SPEC_INVALID', { problems: problems.join('; ') });
}
