import test from 'ava';
import fc from 'fast-check';
import { type InboundLink, Inbox, type InputBatch } from '../../src/worker/inbox.ts';

/** A link that records what it was told. */
function recordingLink(): InboundLink & { readonly said: string[] } {
  const said: string[] = [];
  return {
    said,
    ready: (watermark) => said.push(`ready ${watermark}`),
    ack: (seq) => said.push(`ack ${seq}`),
    endAck: () => said.push('end-ack'),
    fenced: (newest) => said.push(`fenced ${newest}`),
    reset: () => said.push('reset'),
  };
}

function inboxOf(producers: number): Inbox {
  return new Inbox({
    watermarks: new Array<number>(producers).fill(0),
    ended: new Array<boolean>(producers).fill(false),
    restartOnNewEpoch: false,
    arrived: () => {},
    broken: (error) => {
      throw error;
    },
  });
}

test('blocks leave in pieces of any size, each tuple once and in order, the end last', (t) => {
  const counts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 70 }), (blocks, most) => {
      const inbox = inboxOf(1);
      const link = recordingLink();
      inbox.open(0, 1, link);
      let firstSeq = 1;
      for (const count of blocks) {
        const block = new Uint8Array(count * 10);
        inbox.data(0, link, { fromEpoch: 1, firstSeq, count, block });
        firstSeq += count;
      }
      inbox.end(0, link, 1, firstSeq - 1);
      let seen = 0;
      let ended = false;
      for (let batch = inbox.take(most); batch !== null; batch = inbox.take(most)) {
        t.true(batch.tuples <= most && !ended);
        t.is(piecesOf(batch, blocks), batch.tuples);
        seen += batch.tuples;
        t.is(batch.inputs.at(-1)?.lastSeq, seen);
        ended = batch.inputs.some((input) => input.ended);
      }
      t.is(seen, firstSeq - 1);
      t.true(ended);
    }),
    { seed: 5 },
  );
});

/** Tuples in the parts of a batch, by where each part begins and ends in its block. */
function piecesOf(batch: InputBatch, counts: readonly number[]): number {
  return batch.blocks.reduce((sum, { bytes, skip, until = bytes.length / 10 }) => {
    return sum + (counts.includes(bytes.length / 10) ? until - skip : Number.NaN);
  }, 0);
}

test('acks say what was committed, several at once, and the end after everything', async (t) => {
  const inbox = inboxOf(1);
  const link = recordingLink();
  inbox.open(0, 1, link);
  const block = new Uint8Array(10);
  inbox.data(0, link, { fromEpoch: 1, firstSeq: 1, count: 3, block });
  inbox.data(0, link, { fromEpoch: 1, firstSeq: 4, count: 2, block });
  inbox.end(0, link, 1, 5);
  const first = inbox.take(3);
  const rest = inbox.take(100);
  inbox.committed(first?.inputs ?? []);
  inbox.committed(rest?.inputs ?? []);
  await Promise.resolve();
  t.deepEqual(link.said, ['ready 0', 'ack 5', 'end-ack']);
  t.true(inbox.finished);
});

test('a repeat is dropped and a gap asks for the channel to be opened again', (t) => {
  const inbox = inboxOf(2);
  const link = recordingLink();
  inbox.open(1, 1, link);
  const block = new Uint8Array(10);
  inbox.data(1, link, { fromEpoch: 1, firstSeq: 1, count: 3, block });
  inbox.data(1, link, { fromEpoch: 1, firstSeq: 2, count: 2, block });
  inbox.data(1, link, { fromEpoch: 1, firstSeq: 9, count: 2, block });
  t.deepEqual(link.said, ['ready 0', 'reset']);
  t.is(inbox.take(10)?.tuples, 3);
  t.is(inbox.duplicates, 2);
});
