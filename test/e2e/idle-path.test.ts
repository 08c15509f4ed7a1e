/**
 * A tuple that meets idle stages waits for no timer. The clock of the node can be frozen: from then
 * on timers are set and never fire, but for those that look whether a followed file has grown. Were
 * any commit, acknowledgement or send to wait for a timer, the tuple would not arrive.
 */
import { appendFileSync } from 'node:fs';
import test from 'ava';
import { type Clock, systemClock, type Timer } from '../../src/core/index.ts';
import { Node } from '../../src/node/index.ts';
import { parseJobFile } from '../../src/plan/index.ts';
import { until } from '../helpers/poll.ts';
import { Place, range, same } from './helpers/place.ts';

const TUPLES = 20;

/** `others`: all timers but those that look whether the file has grown. */
type Frozen = 'nothing' | 'others' | 'all';

interface Withheld {
  /** set by a source: it looks whether its file has grown */
  readonly looks: boolean;
  readonly fire: () => void;
}

class FreezableClock implements Clock {
  frozen: Frozen = 'nothing';
  /** The timers that would have fired by now, had the clock not been frozen. */
  readonly withheld: Withheld[] = [];

  now(): number {
    return systemClock.now();
  }

  wall(): number {
    return systemClock.wall();
  }

  timer(delayMs: number, fire: () => void): Timer {
    const looks = (new Error().stack ?? '').includes('source-task.ts');
    return systemClock.timer(delayMs, () => {
      const goes = this.frozen === 'nothing' || (this.frozen === 'others' && looks);
      if (goes) fire();
      else this.withheld.push({ looks, fire });
    });
  }
}

for (const transport of ['in-process', 'tcp'] as const) {
  for (const exactlyOnce of [true, false]) {
    const mode = `${transport}, exactlyOnce ${exactlyOnce}`;
    test.serial(`a single tuple passes three idle stages without any timer: ${mode}`, async (t) => {
      const place = new Place(t);
      const path = place.write('in.txt', 'first\n');
      place.job({
        sources: [{ file: 'in.txt', follow: true }],
        stages: [
          { ...same, name: 'one' },
          { name: 'two', type: 'aggregate', run: 'identity' },
          { ...same, name: 'three' },
        ],
        sink: { file: 'hydfs:out', format: 'value' },
        exactlyOnce,
      });
      const spec = parseJobFile(place.text('job.yaml'), 'job.yaml', place.dir);
      const clock = new FreezableClock();
      const node = await Node.open({ data: place.path('data'), clock, transport });
      const leaving = new AbortController();
      try {
        const { service } = node;
        const { job } = await service.submit({ spec, overwrite: false, restart: false });
        await service.fs.create('out').catch(() => 'the last stage was faster');
        const output = service.tail('out', 0, leaving.signal)[Symbol.asyncIterator]();
        const next = async (): Promise<string> =>
          Buffer.from((await output.next()).value ?? []).toString();
        t.is(await next(), 'first\n');
        clock.frozen = 'others';
        for (const i of range(0, TUPLES)) {
          appendFileSync(path, `tuple ${i}\n`);
          t.is(await next(), `tuple ${i}\n`);
        }
        clock.frozen = 'all'; // now the clock is what holds a tuple up
        const look = await until(() => clock.withheld.find(({ looks }) => looks), {
          what: 'a look at the file',
        });
        appendFileSync(path, 'last\n');
        let arrived = false;
        const last = next().finally(() => {
          arrived = true;
        });
        await service.stat('out');
        t.false(arrived);
        clock.frozen = 'others';
        look.fire();
        t.is(await last, 'last\n');
        clock.frozen = 'nothing';
        leaving.abort();
        await service.stop(job, 'now');
      } finally {
        leaving.abort();
        await node.close();
      }
    });
  }
}
