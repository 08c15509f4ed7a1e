/**
 * plan: what a job is made of and how its tuples are written down. Pure: bytes and values only.
 *
 *   const slots = evenSlots(3, 1);
 *   const block = decodeBlock(bytes);
 *   const task = slots.tasks[slotOf(block.keys, 0, block.keyEnds[0])];
 *   const id = formatTupleId(['signs.csv'], block, 0);          // 'signs.csv:0'
 *
 *   const scanner = new AnswerScanner();
 *   scanner.push(chunk);
 *   const answers = scanner.takeUpTo(scanner.answered);
 */
export {
  ANSWER_LINE_BYTES_MAX,
  answerStep,
  EXPECT_EMIT_KEY,
  EXPECT_EMIT_VALUE,
  EXPECT_FORWARD_KEY,
  EXPECT_FORWARD_VALUE,
  EXPECT_VERB,
  newlineFrom,
  quoteLine,
} from './answer-grammar.ts';
export { type AnswerMismatch, AnswerScanner } from './answer-scanner.ts';
export {
  BLOCK_BYTES,
  BLOCK_TUPLES,
  BLOCK_TUPLES_MAX,
  type Block,
  decodeBlock,
  encodeBlock,
  type Fan,
  LINE_BYTES_MAX,
  payloadBytes,
} from './block.ts';
export { clusterSpec } from './cluster-spec.ts';
export { formatDuration, parseDuration } from './duration.ts';
export { formatJobFile, JOB_FILE_BYTES_MAX, nameFrom, parseJobFile } from './job-file.ts';
export {
  type Attempt,
  attemptName,
  consumersOf,
  deadLettersFileName,
  exportedFileName,
  isLastStage,
  isStateful,
  type JobPlan,
  keptFileName,
  outputFileName,
  type PlannedEdge,
  type PlannedStage,
  planJob,
  producersOf,
  SOURCE_STAGE,
  stageOf,
  stageSpecOf,
  type TaskRef,
  taskName,
  tasksOf,
  taskWriterName,
  topologicalOrder,
  walFileName,
} from './job-plan.ts';
export { describe } from './job-problems.ts';
export {
  decodeJobSpec,
  JOB_SOURCES_MAX,
  jobSpecJsonSchema,
  RESERVED_STAGE_NAMES,
  SINK_FORMATS,
  STAGE_TYPES,
  STAGES_MAX,
  TASKS_MAX,
} from './job-schema.ts';
export {
  canonicalJson,
  type JobSpec,
  type OperatorCandidate,
  type OutputLogging,
  operatorCandidates,
  type SinkFormat,
  type SinkSpec,
  type SourceSpec,
  type StageSpec,
  type StageType,
  specFingerprint,
} from './job-spec.ts';
export {
  FILE_NAME_BYTES_MAX,
  formatLocation,
  LOCAL_PATH_BYTES_MAX,
  type Location,
  locationKey,
  locationProblem,
  parseLocation,
  storedName,
  validateFileName,
} from './location.ts';
export {
  formatPositional,
  looksPositional,
  type PositionalJob,
  parsePositional,
  SUBCOMMANDS,
} from './positional.ts';
export { POSITIONAL_FORM } from './positional-form.ts';
export {
  RING_POINTS,
  type Ring,
  ringHash,
  ringOf,
  ringOrder,
  ringPointOf,
  successors,
} from './ring.ts';
export { joinShellWords, type ShellWords, splitShellWords } from './shell-words.ts';
export { evenSlots, hashBytes, SLOTS, type SlotTable, slotOf, slotOfHash } from './slots.ts';
export { suggest } from './suggest.ts';
export {
  FAN_STEP_BYTES_MAX,
  fanPath,
  formatTupleId,
  idHiOf,
  LINES_MAX,
  lineOf,
  SOURCES_MAX,
  sourceOf,
  writeFanStep,
} from './tuple-id.ts';
export { openYaml, type YamlText } from './yaml-text.ts';
