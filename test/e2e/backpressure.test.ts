/**
 * A last stage that answers nothing until it is let: everything before it must come to rest with a
 * bounded number of bytes in memory, and go on as if nothing had been.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import test from 'ava';
import { systemClock } from '../../src/core/index.ts';
import { Node } from '../../src/node/index.ts';
import { parseJobFile } from '../../src/plan/index.ts';
import { until } from '../helpers/poll.ts';
import { operator, Place, range, same } from './helpers/place.ts';

const MIB = 1024 * 1024;
const LINE = `${'x'.repeat(1000)}\n`;
const LINES = 32 * 1024;
/** What has not moved for so long rests. */
const REST_MS = 1500;
/**
 * What may be read and not yet through: what the source keeps until it is acked (4 MiB and the step
 * under way), what is in the pipeline of the first stage (3 MiB) and what that keeps (6 MiB), and as
 * much again as one step for good measure. What waits at the last stage is still kept by the first.
 */
const HELD_BYTES_MAX = (4 + 2 + 3 + 6 + 2) * MIB;

for (const exactlyOnce of [true, false]) {
  const mode = exactlyOnce ? 'exactly once' : 'at least once';
  test.serial(
    `a stage that stands still stops the source, and loses nothing (${mode})`,
    async (t) => {
      const place = new Place(t);
      execFileSync('mkfifo', [place.path('gate')]);
      const file = await open(place.path('in.txt'), 'w');
      const piece = LINE.repeat(1024);
      for (const _ of range(0, LINES / 1024)) await file.write(piece);
      await file.close();
      place.job({
        sources: ['in.txt'],
        stages: [
          { ...same, name: 'first' },
          {
            ...same,
            name: 'last',
            run: operator('gate.py'),
            args: [place.path('gate')],
            deadline: '5m',
          },
        ],
        sink: { file: 'hydfs:out', format: 'value' },
        exactlyOnce,
      });
      const spec = parseJobFile(place.text('job.yaml'), 'job.yaml', place.dir);
      const node = await Node.open({ data: place.path('data'), sync: 'os' });
      try {
        const { service } = node;
        const { job } = await service.submit({ spec, overwrite: false, restart: false });
        const before = process.memoryUsage().rss;
        const read = async (): Promise<number> =>
          (await service.job(job)).stages[0].counts.bytes ?? 0;
        let rest = { bytes: 0, since: 0 };
        const stalled = await until(
          async () => {
            const now = systemClock.now();
            const bytes = await read();
            if (bytes !== rest.bytes) rest = { bytes, since: now };
            return bytes > 0 && now - rest.since > REST_MS ? bytes : null;
          },
          { what: 'the source to rest', deadlineMs: 60_000 },
        );
        t.true(stalled < HELD_BYTES_MAX, `${stalled} bytes were read`);
        t.true(stalled < LINES * LINE.length, 'the source has not reached its end');
        const grown = process.memoryUsage().rss - before;
        t.log(
          `${Math.round(stalled / MIB)} MiB read, ${Math.round(grown / MIB)} MiB more in memory`,
        );
        t.true(grown < 350 * MIB, `${grown} bytes more in memory`);
        await (await open(place.path('gate'), 'w')).close();
        for await (const _ of service.watch(job));
        t.is((await service.job(job)).state, 'finished');
        const hash = createHash('sha256');
        for await (const bytes of service.read('out')) hash.update(bytes);
        const expected = createHash('sha256');
        for await (const bytes of createReadStream(place.path('in.txt'))) expected.update(bytes);
        t.is(hash.digest('hex'), expected.digest('hex'));
      } finally {
        await node.close();
      }
    },
  );
}
