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
