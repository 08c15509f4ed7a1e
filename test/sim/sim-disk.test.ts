import test from 'ava';
import { seededRandom } from '../../src/core/index.ts';
import type { DiskFile } from '../../src/storage/index.ts';
import { SimDisk } from './sim-disk.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (content: Uint8Array): string => Buffer.from(content).toString();

async function fileOn(disk: SimDisk, path = '/d/f'): Promise<DiskFile> {
  const mount = disk.mount();
  await mount.mkdir('/d');
  const file = await mount.open(path, 'create');
  await mount.syncDir('/d');
  return file;
}

test('synced bytes survive a power cut and a prefix of the others may', async (t) => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 200; seed++) {
    const disk = new SimDisk({ random: seededRandom(seed) });
    const file = await fileOn(disk);
    await file.writev([bytes('abc')], 0);
    await file.datasync();
    await file.writev([bytes('de'), bytes('f')], 3);
    disk.crash();
    const left = text(disk.contents('/d/f'));
    t.true(left.length >= 3 && 'abcdef'.startsWith(left), left);
    seen.add(left.length);
  }
  t.deepEqual([...seen].sort(), [3, 4, 5, 6], 'every possible tear happens');
});

test('with reordering a later sector may survive without an earlier one', async (t) => {
  let holes = 0;
  for (let seed = 0; seed < 50; seed++) {
    const disk = new SimDisk({ random: seededRandom(seed) });
    const file = await fileOn(disk);
    await file.writev([new Uint8Array(1024).fill(7)], 0);
    disk.crash({ reorder: true });
    const left = disk.contents('/d/f');
    if (left.length === 1024 && left[0] === 0) holes += 1;
  }
  t.true(holes > 0);
});

test('a killed process keeps what it wrote and can write no more', async (t) => {
  const disk = new SimDisk({ random: seededRandom(1) });
  const file = await fileOn(disk);
  await file.writev([bytes('abc')], 0);
  disk.kill();
  t.is(text(disk.contents('/d/f')), 'abc');
  await t.throwsAsync(file.writev([bytes('x')], 3), { message: /has ended/ });
  await t.throwsAsync(file.datasync(), { message: /has ended/ });
});

test('a process dies in the middle of its n-th operation', async (t) => {
  const disk = new SimDisk({ random: seededRandom(1) });
  const file = await fileOn(disk);
  disk.diesAtStep = disk.steps + 2;
  await file.writev([bytes('a')], 0);
  await t.throwsAsync(file.writev([bytes('b')], 1), { message: /has ended/ });
  t.true(disk.dead);
  disk.crash();
  t.false(disk.dead);
});

test('a full disk cuts a write short, then says ENOSPC', async (t) => {
  const disk = new SimDisk({ random: seededRandom(1) });
  const file = await fileOn(disk);
  disk.capacity = 5;
  t.is(await file.writev([bytes('abc'), bytes('defg')], 0), 5);
  await t.throwsAsync(file.writev([bytes('fg')], 5), { code: 'ENOSPC' });
  t.is(await file.writev([bytes('X')], 0), 1, 'what is there may be written over');
});

test('after a failed datasync the next one lies', async (t) => {
  const disk = new SimDisk({ random: seededRandom(1) });
  const file = await fileOn(disk);
  await file.writev([bytes('abc')], 0);
  disk.failingSyncs = 1;
  await t.throwsAsync(file.datasync(), { code: 'EIO' });
  await file.datasync();
  t.is(text(disk.contents('/d/f')), 'abc', 'the page cache shows it');
  disk.crash();
  t.is(text(disk.contents('/d/f')), '', 'the disk does not have it');
});

test('a name survives a power cut for sure only when its directory was synced', async (t) => {
  let lost = 0;
  for (let seed = 0; seed < 50; seed++) {
    const disk = new SimDisk({ random: seededRandom(seed) });
    const mount = disk.mount();
    await fileOn(disk, '/d/synced');
    await mount.open('/d/new', 'create');
    disk.crash();
    t.true(disk.paths().includes('/d/synced'));
    if (!disk.paths().includes('/d/new')) lost += 1;
  }
  t.true(lost > 0 && lost < 50);
});

test('a renamed directory is at one place after a power cut', async (t) => {
  for (let seed = 0; seed < 50; seed++) {
    const disk = new SimDisk({ random: seededRandom(seed) });
    const file = await fileOn(disk);
    await file.datasync();
    const mount = disk.mount();
    await mount.mkdir('/trash');
    await mount.rename('/d', '/trash/d');
    t.deepEqual(disk.paths(), ['/trash/d/f']);
    if (seed % 2 === 0) await mount.syncDir('/');
    disk.crash();
    t.is(disk.paths().length, 1);
    if (seed % 2 === 0) t.deepEqual(disk.paths(), ['/trash/d/f']);
  }
});

test('short writes happen as often as asked and bits flip where told', async (t) => {
  const disk = new SimDisk({ random: seededRandom(3), shortWrites: 0.5 });
  const file = await fileOn(disk);
  let short = 0;
  for (let i = 0; i < 100; i++) if ((await file.writev([bytes('abcdefgh')], 0)) < 8) short += 1;
  t.true(short > 25 && short < 75, String(short));
  disk.flip('/d/f', 9);
  t.is(disk.contents('/d/f')[1], 'b'.charCodeAt(0) ^ 2);
});

test('names are listed by directory, and a missing file is ENOENT', async (t) => {
  const disk = new SimDisk({ random: seededRandom(1) });
  const mount = disk.mount();
  await mount.mkdir('/a/b');
  await (await mount.open('/a/b/f', 'create')).close();
  t.deepEqual(await mount.list('/a'), ['b']);
  t.deepEqual(await mount.list('/a/b'), ['f']);
  t.deepEqual(await mount.list('/nowhere'), []);
  await t.throwsAsync(mount.open('/a/b/g', 'read'), { code: 'ENOENT' });
  await mount.rmdir('/a/b');
  t.deepEqual(await mount.list('/a'), []);
});
