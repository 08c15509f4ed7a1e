import test from 'ava';
import { ChannelReceiver } from '../../src/worker/channel-receiver.ts';
import { ChannelSender } from '../../src/worker/channel-sender.ts';
import { type Outcome, type Plants, simulateChannel } from './channel-simulation.ts';

const SEEDS = 400;

function problemOf({ effects, total, finished }: Outcome): string | null {
  const wrong = effects.findIndex((value, i) => value !== i);
  if (wrong >= 0) return `effect ${wrong} is tuple ${effects[wrong]}`;
  if (!finished) return 'it did not end';
  return effects.length === total ? null : `${effects.length} of ${total} effects`;
}

test('over crashes of both ends and a breaking wire, every tuple takes effect once and in order', (t) => {
  let crashes = 0;
  let breaks = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const outcome = simulateChannel(seed);
    t.is(problemOf(outcome), null, `seed ${seed}`);
    crashes += outcome.crashes;
    breaks += outcome.breaks;
  }
  t.true(crashes > SEEDS && breaks > SEEDS, `only ${crashes} crashes and ${breaks} breaks`);
});

test('the same seed gives the same run', (t) => {
  t.deepEqual(simulateChannel(7), simulateChannel(7));
});

const plants: Record<string, Plants> = {
  'a consumer that forgets its watermark': { forgetWatermark: true },
  'an ack before durability': { ackBeforeDurable: true },
  'a consumer without dedup': { noDedup: true },
  'a producer that numbers anew': { renumber: true },
  'a producer that does not send again after a crash': { noReplay: true },
};

for (const [name, plant] of Object.entries(plants)) {
  test(`the simulation notices ${name}`, (t) => {
    const caught = Array.from({ length: SEEDS }, (_, seed) => {
      try {
        return problemOf(simulateChannel(seed, plant)) !== null;
      } catch {
        return true; // an invariant of the core stopped it
      }
    });
    t.true(caught.includes(true));
  });
}

test('a block larger than the window still passes, alone', (t) => {
  const sender = new ChannelSender();
  sender.push(new Uint8Array(100), 1);
  sender.push(new Uint8Array(100), 1);
  sender.opened(1, 0, 10);
  t.is(sender.take()?.kind, 'data');
  t.is(sender.take(), null);
  sender.acked(1, 1, 10);
  t.is(sender.take()?.kind, 'data');
});

test('an ack of an older consumer attempt changes nothing', (t) => {
  const sender = new ChannelSender();
  sender.push(new Uint8Array(1), 5);
  sender.opened(2, 0, 100);
  sender.take();
  sender.acked(1, 5, 100);
  t.is(sender.ackedSeq, 0);
  t.false(sender.opened(1, 0, 100));
});

test('a frame of an older producer attempt is fenced after a newer one opened', (t) => {
  const receiver = new ChannelReceiver({ watermark: 0, ended: false, restartOnNewEpoch: false });
  receiver.open(3);
  t.is(receiver.open(2), 'fenced');
  t.deepEqual(receiver.admit(2, 1, 1), { kind: 'fenced', newest: 3 });
});

test('with at-least-once a new producer attempt numbers from one again', (t) => {
  const receiver = new ChannelReceiver({ watermark: 0, ended: false, restartOnNewEpoch: true });
  receiver.open(1);
  receiver.admit(1, 1, 10);
  receiver.open(2);
  t.deepEqual(receiver.admit(2, 1, 4), { kind: 'accept', skip: 0 });
  receiver.committed(1, 10);
  t.is(receiver.watermark, 0);
});

test('a source that reads again for a consumer that has finished owes it nothing', (t) => {
  const sender = new ChannelSender({ makesAgain: true });
  sender.consumerFinished();
  t.is(sender.push(new Uint8Array(8), 3), 1);
  t.is(sender.keptBytes, 0);
  sender.end();
  t.true(sender.settled);
});
