/**
 * The whole state as bytes, and back.
 *
 *   snapshot = { version: 1, term, index, nodes: [* bstr], jobs: [* bstr], ? hydfs: bstr }
 *              ; each bstr is the CBOR of a record
 *   job      = { job, name, ..., tasks: [* bstr], slots: [* slots] }
 *   hydfs    = { copies, stores: [* id], points: [* [point, version, [+ n], [* n]]], ? fresh: [* point] }
 *              ; n is the place of a store in the list
 *
 * 1. `restore(snapshot(state))` equals `state`, the order of its maps included: the oldest ended job
 *    stays the next to be forgotten.
 * 2. Bytes that do not fit the schema are refused whole.
 * 3. Records are nested as byte strings, so that the codec's limit of items holds for one record and
 *    not for the cluster.
 * 4. What was added to the format may be missing in bytes of an older program.
 */
import { z } from 'zod';
import { RING_POINTS } from '../plan/index.ts';
import { decodeCbor, encodeCbor } from '../wire/index.ts';
import { countsSchema, stateSchema, tableSchema } from './command.ts';
import { emptyHydfs, encodePlans, type HydfsState } from './hydfs-state.ts';
import { emptyPoints, pointConfigs, withConfigs } from './point-table.ts';
import { type ControlState, type JobRecord, taskKey } from './state.ts';

const uint = z.int().nonnegative();
const time = z.number().nullable();
const encoded = z.instanceof(Uint8Array);

const nodeSchema = z.strictObject({
  node: z.string(),
  address: z.string(),
  cores: uint,
  store: z.string().nullable().default(null),
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

const numbers = z.array(uint);
const hydfsSchema = z
  .strictObject({
    copies: uint,
    stores: z.array(z.string()),
    points: z.array(z.tuple([uint.max(RING_POINTS - 1), uint, numbers, numbers])),
    fresh: z.array(uint.max(RING_POINTS - 1)).default([]),
  })
  .refine(
    ({ stores, points }) =>
      points.flatMap((each) => [...each[2], ...each[3]]).every((n) => n < stores.length),
    'a point names a store that is not listed',
  );

const snapshotSchema = z.strictObject({
  version: z.literal(1),
  term: uint,
  index: uint,
  nodes: z.array(encoded),
  jobs: z.array(encoded),
  hydfs: encoded.optional(),
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
  const { term, index } = state;
  return encodeCbor({ version: 1, term, index, nodes, jobs, hydfs: hydfsBytes(state.hydfs) });
}

function hydfsBytes({ copies, points, fresh }: HydfsState): Uint8Array {
  const { stores, changes } = encodePlans([...pointConfigs(points)]);
  return encodeCbor({ copies, stores, points: changes, fresh: [...fresh].sort((a, b) => a - b) });
}

/**
 * The state that `bytes` were made from.
 * @throws whatever the codec or the schema says is wrong
 */
export function restore(bytes: Uint8Array): ControlState {
  const { term, index, nodes, jobs, hydfs } = snapshotSchema.parse(decodeCbor(bytes));
  const nodeRecords = nodes.map((node) => nodeSchema.parse(decodeCbor(node)));
  return {
    term,
    index,
    nodes: new Map(nodeRecords.map((node) => [node.node, node])),
    jobs: new Map(jobs.map(restoreJob).map((job) => [job.job, job])),
    hydfs: hydfs === undefined ? emptyHydfs : restoreHydfs(hydfs),
  };
}

function restoreHydfs(bytes: Uint8Array): HydfsState {
  const { copies, stores, points, fresh } = hydfsSchema.parse(decodeCbor(bytes));
  const named = (of: readonly number[]): string[] => of.map((number) => stores[number]);
  const configs = points.map(([point, version, replicas, joining]) => {
    return { point, version, replicas: named(replicas), joining: named(joining) };
  });
  return { copies, points: withConfigs(emptyPoints, configs), fresh: new Set(fresh) };
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
