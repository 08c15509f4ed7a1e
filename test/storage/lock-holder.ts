/** A process for the lock tests: takes the lock of argv[2], says how it went, holds it till killed. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { reasonOf } from '../../src/core/index.ts';
import { lockDataDir } from '../../src/storage/index.ts';

const [, , dir] = process.argv;
const socket = join(dir, `socket.${process.pid}`);
try {
  await lockDataDir(dir, { socket });
  createServer().listen(socket);
  process.stderr.write('held\n');
} catch (error) {
  process.stderr.write(`refused: ${reasonOf(error)}\n`);
}
