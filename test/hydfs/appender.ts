/** A process for the kill tests: appends 60 numbered lines to a file and says which are acknowledged. */
import { silentLog, systemClock } from '../../src/core/index.ts';
import { LocalFileSystem } from '../../src/hydfs/index.ts';
import { nodeDisk } from '../../src/storage/index.ts';

const [, , root, epoch] = process.argv;
const files = await LocalFileSystem.open({
  disk: nodeDisk,
  root,
  clock: systemClock,
  log: silentLog,
  segmentBytes: 600,
});
const writer = await files.openWriter('lines', 'w', Number(epoch), { create: true });
const acks: Promise<void>[] = [];
for (let seq = writer.position.seq + 1; seq <= 60; seq++) {
  const acknowledged = writer.append({ seq, parts: [Buffer.from(`line ${seq}\n`)] });
  acks.push(acknowledged.then(() => void process.stderr.write(`acked ${seq}\n`)));
  if (seq % 7 === 0) await acknowledged;
}
await Promise.all(acks);
await files.close();
