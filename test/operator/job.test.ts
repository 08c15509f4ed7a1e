import test from 'ava';
import fc from 'fast-check';
import { seededRandom, type Timer } from '../../src/core/index.ts';
import { Job } from '../../src/operator/job.ts';
import { quoteTrace, StderrTail } from '../../src/operator/stderr-tail.ts';
import { Watch } from '../../src/operator/watch.ts';
import { batchOf } from './support.ts';

test('a batch sent in any pieces, with any dead inputs and restarts, is answered once each', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 40 }),
      fc.uniqueArray(fc.nat(29), { maxLength: 10 }),
      fc.nat(39),
      fc.boolean(),
      (pieces, dead, lossAt, stateful) => {
        const values = Array.from({ length: 30 }, (_, i) => `v${i}`);
        const job = new Job(batchOf(values));
        for (const index of dead) job.bury({ index, reason: 'x', trace: '' });
        for (let step = 0; !job.isAnswered; step++) {
          if (step === lossAt && stateful) job.restart();
          if (step === lossAt && !stateful) job.rewind();
          job.skipDeadToSend();
          const n = Math.min(pieces[step % pieces.length], job.aliveFrom(job.sent));
          const at = job.sent;
          const sent = job.send(n).toString();
          t.is(sent, Buffer.from(batchOf(values.slice(at, at + n), at).text).toString());
          job.passDead();
          if (n > 0)
            job.accept(
              Buffer.from(
                values
                  .slice(at, at + n)
                  .join('\n')
                  .concat('\n'),
              ),
              n,
            );
          job.passDead();
        }
        const lines = Buffer.from(job.result().answers).toString().split('\n').slice(0, -1);
        t.deepEqual(
          lines,
          values.map((value, i) => (dead.includes(i) ? 'filter' : value)),
        );
      },
    ),
    { numRuns: 200, seed: 3 },
  );
});

test('the key of an input is found for a sentence', (t) => {
  t.is(new Job(batchOf(['a', 'b'], 7)).keyOf(1), 'k8');
});

test('the tail of stderr is bounded and knows what came since the mark', (t) => {
  const tail = new StderrTail();
  const random = seededRandom(5);
  for (let i = 0; i < 200; i++) tail.push(Buffer.alloc(1 + (random.u32() % 1000), 'x'));
  t.true(tail.all().length >= 16 * 1024 - 1000 && tail.all().length <= 16 * 1024);
  tail.mark();
  t.is(tail.sinceMark(), '');
  tail.push(Buffer.from('Traceback\n  last words\n'));
  t.is(tail.sinceMark(), 'Traceback\n  last words\n');
  t.is(quoteTrace(tail.sinceMark()), '\n  | Traceback\n  |   last words');
  t.is(quoteTrace(''), '');
});

/** A clock that only moves when told. */
class ManualClock {
  #now = 0;
  #timers: { at: number; fire: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  timer(delayMs: number, fire: () => void): Timer {
    const entry = { at: this.#now + delayMs, fire };
    this.#timers.push(entry);
    return { cancel: () => this.#drop(entry) };
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = due.at;
      this.#drop(due);
      due.fire();
    }
    this.#now = until;
  }

  get armed(): number {
    return this.#timers.length;
  }

  #drop(entry: { at: number; fire: () => void }): void {
    this.#timers = this.#timers.filter((each) => each !== entry);
  }
}

function watchOf(): { clock: ManualClock; watch: Watch; heard: string[]; wait: { now: boolean } } {
  const clock = new ManualClock();
  const heard: string[] = [];
  const wait = { now: true };
  const watch = new Watch({
    clock,
    isWaiting: () => wait.now,
    limitMs: () => 1000,
    poke: () => heard.push(`poke ${clock.now()}`),
    overdue: () => heard.push(`overdue ${clock.now()}`),
  });
  return { clock, watch, heard, wait };
}

test('silence is answered with pokes, ever rarer, and the deadline after a second look', (t) => {
  const { clock, watch, heard } = watchOf();
  watch.progress();
  clock.advance(5000);
  t.deepEqual(heard, [
    'poke 50',
    'poke 100',
    'poke 200',
    'poke 400',
    'poke 800',
    'poke 1000',
    'overdue 1020',
  ]);
  t.is(clock.armed, 0);
});

test('progress at the second look saves the process', (t) => {
  const { clock, watch, heard } = watchOf();
  watch.progress();
  clock.advance(1010);
  watch.progress();
  clock.advance(900);
  t.false(heard.some((each) => each.startsWith('overdue')));
});

test('no timer runs when nothing is awaited', (t) => {
  const { clock, watch, wait } = watchOf();
  watch.progress();
  wait.now = false;
  clock.advance(60);
  t.is(clock.armed, 0);
});
