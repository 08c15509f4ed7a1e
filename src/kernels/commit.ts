/**
 * Commit kernel: what an operator answered -> a block per consumer, with ids.
 *
 * 1. An output has the id of the input it answers. Where the operator used `emit`, each of the
 *    input's outputs has one fan-out step more: 0, 1, 2, ... in the order of the answer.
 * 2. Outputs to one consumer keep the order of the inputs.
 * 3. The same answers give the same bytes, wherever this runs.
 */
import { assert } from '../core/index.ts';
import {
  type Block,
  decodeBlock,
  FAN_STEP_BYTES_MAX,
  slotOf,
  writeFanStep,
} from '../plan/index.ts';
import { columns, NO_STEP, parseAnswers } from './answers.ts';
import type { BlockWriter, RoutedBlock } from './block-writer.ts';
import { type Bytes, bytesOf } from './growable.ts';
import { partitioner } from './partitioner.ts';
import { SelectionCursor, type TupleSelection } from './tuple-selection.ts';

export interface CommitArgs extends TupleSelection {
  /** the answers of exactly `count` inputs */
  readonly answers: Uint8Array;
  readonly count: number;
  /** the input block, for the ids */
  readonly block: Uint8Array;
  readonly consumers: number;
  readonly slots: Uint16Array;
}

/** The operator broke the protocol. */
export interface AnswerFault {
  readonly kind: 'mismatch';
  /** the tuple of the block that was being answered */
  readonly index: number;
  /** the number of the answer among those given, from 0 */
  readonly answer: number;
  readonly line: string;
}

export interface Committed {
  readonly kind: 'ok';
  readonly blocks: RoutedBlock[];
  /** outputs in the blocks */
  readonly forwarded: number;
  /** inputs without an output */
  readonly filtered: number;
}

/**
 * Routes the outputs of an operator.
 * @throws fault BLOCK_INVALID
 */
export function commit(args: CommitArgs): Committed | AnswerFault {
  const input = decodeBlock(args.block);
  const answers = bytesOf(args.answers);
  const bad = parseAnswers(answers, args.count);
  if (bad !== null) return answerFault(args, bad.answer, bad.line);
  partitioner.begin(args.consumers, args.slots);
  const inputFan = input.fan === null ? null : bytesOf(input.fan.bytes);
  const cursor = new SelectionCursor(args);
  const c = columns;
  let tuple = -1;
  for (let i = 0, answer = -1; i < c.count; i++) {
    for (; answer < c.answer[i]; answer++) tuple = cursor.next();
    assert(tuple < input.count, 'an answer belongs to a tuple of the block');
    const keyAt = c.keyAt[i];
    const keyEnd = c.keyEnd[i];
    const consumer = args.slots[slotOf(answers.bytes, keyAt, keyEnd)];
    const payload = keyEnd - keyAt + c.valueEnd[i] - c.valueAt[i];
    const writer = partitioner.writer(consumer, payload);
    writer.addKey(answers, keyAt, keyEnd);
    writer.addValue(answers, c.valueAt[i], c.valueEnd[i]);
    if (inputFan !== null) addFanPath(writer, input, inputFan, tuple);
    if (c.step[i] !== NO_STEP) addFanStep(writer, c.step[i]);
    writer.add(input.idHi[tuple], input.idLo[tuple]);
  }
  const { count: forwarded, filtered } = c;
  return { kind: 'ok', blocks: partitioner.finish(), forwarded, filtered };
}

/** The fault for the answer number `answer`, told by the tuple it belongs to. */
export function answerFault(selection: TupleSelection, answer: number, line: string): AnswerFault {
  const cursor = new SelectionCursor(selection);
  let index = cursor.next();
  for (let i = 0; i < answer; i++) index = cursor.next();
  return { kind: 'mismatch', index, answer, line };
}

function addFanPath(writer: BlockWriter, input: Block, bytes: Bytes, tuple: number): void {
  const ends = input.fan?.ends;
  assert(ends !== undefined, 'the fan column is there');
  const at = tuple === 0 ? 0 : ends[tuple - 1];
  writer.fan.append(bytes, at, ends[tuple] - at);
}

function addFanStep(writer: BlockWriter, step: number): void {
  writer.fan.reserve(FAN_STEP_BYTES_MAX);
  writer.fan.length = writeFanStep(writer.fan.bytes, writer.fan.length, step);
}
