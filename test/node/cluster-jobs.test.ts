/** Jobs of a cluster of one node, in this process. */
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { silentLog } from '../../src/core/index.ts';
import type { JobView } from '../../src/leader/index.ts';
import { ClusterNode, type Service } from '../../src/node/index.ts';
import { type JobSpec, parseJobFile } from '../../src/plan/index.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

interface Place {
  readonly data?: string;
  readonly port?: number;
}

async function openNode(t: ExecutionContext, place: Place = {}): Promise<ClusterNode> {
  const node = await ClusterNode.open({
    data: place.data ?? join(tmpDir(t), 'data'),
    bind: '127.0.0.1',
    port: place.port ?? 0,
    join: [],
    keyFile: null,
    voters: 1,
    dropRate: 0,
    console: silentLog,
  });
  t.teardown(() => node.close());
  return node;
}

function job(more = '', stage = ''): JobSpec {
  return parseJobFile(
    `name: copy
sources: [{ file: in.txt }]
stages: [{ name: same, type: transform, run: identity, tasks: 2${stage} }]
sink: { file: out.txt }
${more}`,
    'copy.yaml',
    '/nowhere',
  );
}

async function stored(service: Service, lines: number): Promise<void> {
  await service.create('in.txt');
  const text = Array.from({ length: lines }, (_, i) => `line ${i}\n`).join('');
  await service.append('in.txt', Buffer.from(text));
}

async function end(service: Service, id: string): Promise<JobView> {
  let last = await service.job(id);
  for await (const view of service.watch(id)) last = view;
  return last;
}

async function text(service: Service, name: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of service.read(name)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

const once = { overwrite: false, restart: false };

test('a node alone runs a job from HyDFS to HyDFS, and proves it', async (t) => {
  const { service } = await openNode(t);
  await stored(service, 5000);
  const { job: id, kind } = await service.submit({ spec: job(), ...once });
  t.is(kind, 'new');
  t.is((await end(service, id)).state, 'finished');
  const lines = (await text(service, 'out.txt')).trimEnd().split('\n');
  const expected = Array.from({ length: 5000 }, (_, i) => `in.txt:${i}: line ${i}`);
  t.deepEqual(lines.sort(), expected.sort());
  t.true((await service.verify('copy')).proved);
});

test('a job of a node that was killed goes on at its next start, without being submitted again', async (t) => {
  const data = join(tmpDir(t), 'data');
  const first = await openNode(t, { data });
  const port = Number(first.address.split(':')[1]);
  await stored(first.service, 100);
  const { job: id } = await first.service.submit({ spec: { ...job(), rate: 50 }, ...once });
  for await (const view of first.service.watch(id)) {
    if ((view.stages.at(-1)?.counts.out ?? 0) > 0) break;
  }
  await first.close();
  const { service } = await openNode(t, { data, port });
  const view = await end(service, id);
  t.is(view.state, 'finished');
  const lines = (await text(service, 'out.txt')).trimEnd().split('\n');
  t.is(new Set(lines).size, 100);
  t.is(lines.length, 100);
});

test('the tasks of a node that died while nobody was there to hear of it go to another one', async (t) => {
  const data = join(tmpDir(t), 'data');
  const first = await openNode(t, { data });
  await stored(first.service, 10);
  const { job: id } = await first.service.submit({ spec: { ...job(), rate: 5 }, ...once });
  for await (const view of first.service.watch(id)) if (view.state === 'running') break;
  await first.close();
  const { service } = await openNode(t, { data }); // at another port: not the same place
  t.is((await end(service, id)).state, 'finished');
  const tasks = await service.tasks(id);
  t.is(tasks.length, 3);
});

test('a local path is refused by the node that is asked', async (t) => {
  const { service } = await openNode(t);
  const spec = { ...job(), sink: { file: '/tmp/out.txt', format: 'kv' as const } };
  await t.throwsAsync(service.submit({ spec, ...once }), { code: 'PATH_IN_CLUSTER' });
  t.deepEqual(await service.jobs(), []);
});

test('a job whose operator has a long command line harms no node', async (t) => {
  const { service } = await openNode(t);
  await stored(service, 3);
  const spec = job('', `, args: [${'x'.repeat(20_000)}]`);
  const { job: id } = await service.submit({ spec, ...once });
  t.is((await end(service, id)).state, 'finished');
  const { operator = '' } = (await service.tasks(id)).at(-1) ?? {};
  t.true(operator.startsWith('identity x'), operator.slice(0, 20));
  t.is(operator.length, 256);
});
