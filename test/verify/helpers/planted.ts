/** Violations to be planted in the logs of real jobs. */
import { present } from '../../../src/core/index.ts';
import type { CheckId } from '../../../src/verify/index.ts';
import type { SourceState } from '../../../src/worker/index.ts';
import {
  change,
  changeRecord,
  flipped,
  inFile,
  isAppend,
  lastOutputs,
  middle,
  recount,
  remeta,
  repeated,
  restate,
  without,
} from './damage.ts';
import type { OpenedJob } from './small-job.ts';
import type { Tamper } from './tampered-files.ts';

/** A violation, the check that it refutes, and the job in whose logs it is planted. */
interface Planted {
  readonly what: string;
  readonly refutes: CheckId;
  readonly of: 'count' | 'fanned';
  readonly tamper: (job: OpenedJob) => Tamper;
}

export const planted: readonly Planted[] = [
  {
    what: 'a record that is gone from a task log',
    refutes: 'intact',
    of: 'count',
    tamper: () => inFile(/wal\/1-0$/, (entries) => without(entries, middle(entries))),
  },
  {
    what: 'a record of a source log that is gone',
    refutes: 'intact',
    of: 'count',
    tamper: () => inFile(/wal\/0-0$/, (entries) => without(entries, entries.findIndex(isAppend))),
  },
  {
    what: 'a record whose bytes changed',
    refutes: 'intact',
    of: 'count',
    tamper: () => inFile(/wal\/1-1$/, (entries) => change(entries, middle(entries), flipped)),
  },
  {
    what: 'an epoch that falls',
    refutes: 'epochs',
    of: 'count',
    tamper: () =>
      inFile(/wal\/2-0$/, (entries) => {
        const last = entries.findLastIndex(({ kind }) => kind === 'open');
        return entries.map((entry, i) => (i >= last ? { ...entry, epoch: 1 } : entry));
      }),
  },
  {
    what: 'an append under an epoch that was not opened',
    refutes: 'epochs',
    of: 'count',
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        change(entries, middle(entries), (e) => ({ ...e, epoch: e.epoch + 1 })),
      ),
  },
  {
    what: 'an append of a fenced attempt to the destination',
    refutes: 'epochs',
    of: 'count',
    tamper: ({ record }) =>
      inFile(/output$/, (entries) => {
        const writer = `${record.job}/2-0`;
        const last = entries.findLastIndex((entry) => isAppend(entry) && entry.writer === writer);
        return change(entries, last, (entry) => ({ ...entry, epoch: entry.epoch - 1 }));
      }),
  },
  {
    what: 'an epoch that the leader never gave out',
    refutes: 'epochs',
    of: 'fanned',
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) => entries.map((entry) => ({ ...entry, epoch: 9 }))),
  },
  {
    what: 'a range of inputs that is consumed again',
    refutes: 'inputs',
    of: 'count',
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        changeRecord(entries, middle(entries), (record) => ({
          ...record,
          inputs: record.inputs.map((input) => ({ ...input, seq: Math.max(1, input.seq - 900) })),
        })),
      ),
  },
  {
    what: 'a record that is there twice',
    refutes: 'inputs',
    of: 'count',
    tamper: () => inFile(/wal\/1-0$/, (entries) => repeated(entries, middle(entries))),
  },
  {
    what: 'an input that was consumed and not processed',
    refutes: 'inputs',
    of: 'fanned',
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        recount(entries, middle(entries), (counts) => ({
          ...counts,
          in: counts.in - 1,
          filtered: counts.filtered - 1,
        })),
      ),
  },
  {
    what: 'a source that went back',
    refutes: 'inputs',
    of: 'count',
    tamper: () =>
      inFile(/wal\/0-0$/, (entries) => {
        const last = present(entries.findLast(isAppend), 'a position');
        const [first] = entries.filter(isAppend);
        return [...entries, { ...first, epoch: last.epoch, seq: last.seq + 1 }];
      }),
  },
  {
    what: 'an output that takes a number twice',
    refutes: 'outputs',
    of: 'count',
    tamper: () =>
      inFile(/wal\/1-1$/, (entries) =>
        changeRecord(entries, middle(entries), (record) => ({
          ...record,
          outputs: record.outputs.map((output) => ({ ...output, firstSeq: output.firstSeq - 1 })),
        })),
      ),
  },
  {
    what: 'a consumer that was sent more than was placed',
    refutes: 'outputs',
    of: 'count',
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        lastOutputs(entries, (output) => ({ ...output, firstSeq: output.firstSeq - 3 })),
      ),
  },
  {
    what: 'an acknowledgement of what was never placed',
    refutes: 'outputs',
    of: 'count',
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        restate(entries, middle(entries), (state) => ({
          ...state,
          acked: state.acked.map((n) => n + 1e6),
        })),
      ),
  },
  {
    what: 'an append to the destination that is there twice',
    refutes: 'sink',
    of: 'count',
    tamper: () => inFile(/output$/, (entries) => repeated(entries, middle(entries))),
  },
  {
    what: 'an append that was sent again under a new number',
    refutes: 'sink',
    of: 'count',
    tamper: ({ record }) =>
      inFile(/output$/, (entries) => {
        const writer = `${record.job}/2-1`;
        const last = present(
          entries.findLast((entry) => entry.writer === writer),
          'an append',
        );
        return [...entries, { ...last, seq: last.seq + 1 }];
      }),
  },
  {
    what: 'an append to the destination that is gone',
    refutes: 'sink',
    of: 'count',
    tamper: () => inFile(/output$/, (entries) => without(entries, middle(entries))),
  },
  {
    what: 'a byte of the output that changed',
    refutes: 'sink',
    of: 'count',
    tamper: () => inFile(/output$/, (entries) => change(entries, middle(entries), flipped)),
  },
  {
    what: 'lines in the destination that nobody committed',
    refutes: 'sink',
    of: 'count',
    tamper: () =>
      inFile(/output$/, (entries) => {
        const last = present(entries.at(-1), 'an entry');
        return [...entries, { ...last, writer: '', epoch: 0, seq: 0 }];
      }),
  },
  {
    what: 'a line that is missing in an append that is its own commit',
    refutes: 'sink',
    of: 'fanned',
    tamper: () =>
      inFile(/^out\.txt$/, (entries) =>
        change(entries, middle(entries), (entry) => {
          return { ...entry, data: entry.data.subarray(entry.data.indexOf(10) + 1) };
        }),
      ),
  },
  {
    what: 'an append with its own commit that took effect twice',
    refutes: 'sink',
    of: 'fanned',
    tamper: () => inFile(/^out\.txt$/, (entries) => repeated(entries, middle(entries))),
  },
  {
    what: 'a watermark in the destination that falls',
    refutes: 'inputs',
    of: 'fanned',
    tamper: ({ record }) =>
      inFile(/^out\.txt$/, (entries) => {
        const mine = entries.filter(
          (entry) => isAppend(entry) && entry.writer === `${record.job}/2-0`,
        );
        return remeta(entries, entries.indexOf(mine[1]), (meta) => ({
          ...meta,
          watermarks: meta.watermarks.map(() => 0),
        }));
      }),
  },
  {
    what: 'a filtered tuple that was not counted',
    refutes: 'counts',
    of: 'count',
    tamper: () =>
      inFile(/wal\/1-0$/, (entries) =>
        recount(entries, middle(entries), (counts) => ({
          ...counts,
          filtered: counts.filtered - 1,
        })),
      ),
  },
  {
    what: 'a source position that sent another number of tuples than it read lines',
    refutes: 'counts',
    of: 'count',
    tamper: () =>
      inFile(/wal\/0-0$/, (entries) => {
        const last = entries.findLastIndex(isAppend);
        return changeRecord(entries, last, (record) => {
          const state = record.state as SourceState;
          const position = { ...state.position, line: state.position.line + 1 };
          return { ...record, state: { ...state, position } };
        });
      }),
  },
  {
    what: 'a dead letter that is gone',
    refutes: 'letters',
    of: 'fanned',
    tamper: () =>
      inFile(/dead-letters$/, (entries) => without(entries, entries.findIndex(isAppend))),
  },
  {
    what: 'a dead letter that is there twice',
    refutes: 'letters',
    of: 'fanned',
    tamper: () =>
      inFile(/dead-letters$/, (entries) => repeated(entries, entries.findIndex(isAppend))),
  },
  {
    what: 'a dead letter that says something else',
    refutes: 'letters',
    of: 'fanned',
    tamper: () =>
      inFile(/dead-letters$/, (entries) =>
        change(entries, entries.findIndex(isAppend), (entry) => {
          const text = Buffer.from(entry.data).toString().replace('no number', 'some number');
          return { ...entry, data: Buffer.from(text) };
        }),
      ),
  },
];
