/** What a file system says of the files that it has, while they come and go. */
import test from 'ava';
import { placeOf } from '../../src/hydfs/index.ts';
import type { Disk } from '../../src/storage/index.ts';
import { openFiles, ROOT, simDisk } from './helpers.ts';

test('a file whose creation was cut short before its first entry is not there, and can be made', async (t) => {
  const disk = simDisk();
  const first = await openFiles(disk.mount());
  await first.create('f');
  await first.close();
  const [path] = disk.paths(`${ROOT}/files`);
  const whole = disk.contents(path);
  for (let length = 0; length < whole.length; length++) {
    disk.plant(path, whole.subarray(0, length));
    const files = await openFiles(disk.mount());
    await t.throwsAsync(files.stat('f'), { code: 'FILE_MISSING' });
    await files.create('f', 'mine');
    t.is((await files.stat('f')).length, 0);
    await files.remove('f');
    await files.close();
  }
});

test('however many points are taken stock of at once, few files are read at a time', async (t) => {
  const disk = simDisk();
  const first = await openFiles(disk.mount());
  const names = Array.from({ length: 200 }, (_, i) => `file ${i}`);
  await Promise.all(names.map((name) => first.create(name)));
  await first.close();
  const mounted = disk.mount();
  let [reading, most] = [0, 0];
  const counting: Disk = {
    mkdir: (path) => mounted.mkdir(path),
    list: (path) => mounted.list(path),
    rename: (from, to) => mounted.rename(from, to),
    unlink: (path) => mounted.unlink(path),
    rmdir: (path) => mounted.rmdir(path),
    syncDir: (path) => mounted.syncDir(path),
    async open(path, mode) {
      const file = await mounted.open(path, mode);
      reading += 1;
      most = Math.max(most, reading);
      return {
        path: file.path,
        writev: (parts, position) => file.writev(parts, position),
        read: (into, position) => file.read(into, position),
        datasync: () => file.datasync(),
        truncate: (length) => file.truncate(length),
        size: () => file.size(),
        close() {
          reading -= 1;
          return file.close();
        },
      };
    },
  };
  const files = await openFiles(counting);
  const points = await files.pointsWithFiles();
  const found = await Promise.all(points.map((point) => files.inventory(point)));
  t.is(found.flat().length, names.length);
  t.log(`${most} at a time`);
  t.true(most <= 32 && reading === 0);
  await files.close();
});

test('files that go while they are listed are not in the way', async (t) => {
  for (let seed = 1; seed < 40; seed++) {
    const files = await openFiles(simDisk(seed).mount());
    for (const name of ['a', 'b', 'c']) await files.create(name);
    const listed = files.list();
    await Promise.all(['a', 'b', 'c'].map((name) => files.wipePoint(placeOf(name).fileId)));
    t.true((await listed).every((name) => ['a', 'b', 'c'].includes(name)));
    t.deepEqual(await files.list(), []);
    await files.close();
  }
});
