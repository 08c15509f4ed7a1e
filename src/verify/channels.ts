/**
 * What both ends of a channel say about it.
 *
 *   V8  a consumer has consumed no number that its producer did not place; when the job is complete
 *       it has consumed all of them, and the end
 *   V9  what a producer was told is durable at the consumer, is
 */
import type { Findings } from './findings.ts';
import type { TaskRules } from './task-rules.ts';

/** What the producer of a channel knows of it. */
export interface ProducerSide {
  readonly name: string;
  /** The last number placed; null when that is not known. */
  readonly placed: number | null;
  /** The consumer was said to have everything up to here. */
  readonly acked: number;
}

export interface ChannelOptions {
  readonly findings: Findings;
  readonly from: ProducerSide;
  readonly to: { readonly name: string; readonly rules: TaskRules; readonly producer: number };
  /** the job has processed all its input */
  readonly complete: boolean;
  /** the job is at work: the consumer was looked at before the producer */
  readonly atWork: boolean;
}

/** Compares both ends (V8, V9). */
export function checkChannel({ findings, from, to, complete, atWork }: ChannelOptions): void {
  const watermark = to.rules.watermarks[to.producer];
  const channel = `${from.name} -> ${to.name}`;
  if (watermark === null || watermark === undefined) {
    findings.note('outputs', `${channel}: what was consumed is in no part of the log that is left`);
    return;
  }
  findings.examined('outputs', 'channels');
  const { placed } = from;
  if (placed !== null) {
    findings.expect('outputs', watermark <= placed, () => {
      return `${channel}: ${watermark} was consumed, of ${placed} placed`;
    });
    findings.expect('outputs', !complete || watermark >= placed, () => {
      return `${channel}: ${placed} were placed, only ${watermark} were consumed`;
    });
  }
  findings.expect('outputs', !complete || to.rules.ended[to.producer], () => {
    return `${channel}: the job is complete, but the end was never consumed`;
  });
  findings.expect('outputs', atWork || from.acked <= watermark, () => {
    return `${channel}: ${from.acked} was acknowledged, of ${watermark} consumed`;
  });
}
