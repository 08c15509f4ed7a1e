/**
 * The whole state as bytes, and back.
 *
 *   snapshot = { version: 1, term, index, nodes: [* bstr], jobs: [* bstr] }    ; each CBOR of a record
 *   job      = { job, name, ..., tasks: [* bstr], slots: [* slots] }
 *
 * 1. `restore(snapshot(state))` equals `state`, the order of its maps included: the oldest ended job
 *    stays the next to be forgotten.
 * 2. Bytes that do not fit the schema are refused whole.
 * 3. Records are nested as byte strings, so that the codec's limit of items holds for one record and
 *    not for the cluster.
 */
import { z } from 'zod';
import { decodeCbor, encodeCbor } from '../wire/index.ts';
import { countsSchema, stateSchema, tableSchema } from './command.ts';
import { type ControlState, type JobRecord, taskKey } from './state.ts';

const uint = z.int().nonnegative();
const time = z.number().nullable();
const encoded = z.instanceof(Uint8Array);

const nodeSchema = z.strictObject({
  node: z.string(),
  address: z.string(),
  cores: uint,
  admittedAt: z.number(),
});

const taskSchema = z.strictObject({
  stage: uint,
  index: uint,
  epoch: uint,
  node: z.string(),
  assignedAt: z.number(),
  done: countsSchema.nullable(),
});

const slotsSchema = z.strictObject({ stage: uint, version: uint, table: tableSchema });

const jobSchema = z.strictObject({
  job: z.string(),
  name: z.string(),
  spec: z.record(z.string(), z.unknown()),
  fingerprint: z.string(),
  state: stateSchema,
  reason: z.string().nullable(),
  draining: z.boolean().default(false),
  submittedAt: z.number(),
  startedAt: time,
  endedAt: time,
  tasks: z.array(encoded),
  slots: z.array(slotsSchema),
});

const snapshotSchema = z.strictObject({
  version: z.literal(1),
  term: uint,
  index: uint,
  nodes: z.array(encoded),
  jobs: z.array(encoded),
});

/** `state` as CBOR. */
export function snapshot(state: ControlState): Uint8Array {
  const jobs = [...state.jobs.values()].map((job) =>
    encodeCbor({
      ...job,
      tasks: [...job.tasks.values()].map((task) => encodeCbor(task)),
      slots: [...job.slots.values()],
    }),
  );
  const nodes = [...state.nodes.values()].map((node) => encodeCbor(node));
  return encodeCbor({ version: 1, term: state.term, index: state.index, nodes, jobs });
}

/**
 * The state that `bytes` were made from.
 * @throws whatever the codec or the schema says is wrong
 */
export function restore(bytes: Uint8Array): ControlState {
  const { term, index, nodes, jobs } = snapshotSchema.parse(decodeCbor(bytes));
  const nodeRecords = nodes.map((node) => nodeSchema.parse(decodeCbor(node)));
  return {
    term,
    index,
    nodes: new Map(nodeRecords.map((node) => [node.node, node])),
    jobs: new Map(jobs.map(restoreJob).map((job) => [job.job, job])),
  };
}

function restoreJob(bytes: Uint8Array): JobRecord {
  const job = jobSchema.parse(decodeCbor(bytes));
  const tasks = job.tasks.map((task) => taskSchema.parse(decodeCbor(task)));
  return {
    ...job,
    tasks: new Map(tasks.map((task) => [taskKey(task.stage, task.index), task])),
    slots: new Map(job.slots.map((slots) => [slots.stage, slots])),
  };
}
