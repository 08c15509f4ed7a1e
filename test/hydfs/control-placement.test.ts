import test from 'ava';
import {
  apply,
  type Command,
  type ControlLog,
  type ControlState,
  emptyState,
  encodePlans,
} from '../../src/control/index.ts';
import { silentLog } from '../../src/core/index.ts';
import { ControlPlacement } from '../../src/hydfs/index.ts';
import { ManualClock } from '../transport/helpers/manual-clock.ts';

type Loose = Command extends infer C ? (C extends Command ? Omit<C, 'term' | 'at'> : never) : never;

/** A log that decides at once. */
class InstantLog {
  state: ControlState = emptyState;
  reads = 0;
  /** The next proposal meets a term that has just begun. */
  newTerm = false;
  #listeners = new Set<Parameters<ControlLog['subscribe']>[0]>();
  #restored = new Set<Parameters<ControlLog['onRestore']>[0]>();

  get term(): number {
    return this.state.term;
  }

  async propose(command: Command): ReturnType<ControlLog['propose']> {
    if (this.newTerm) this.#apply({ kind: 'term-begin', term: this.term + 1, at: 0 });
    this.newTerm = false;
    return this.#apply(command);
  }

  decide(...commands: Loose[]): void {
    for (const command of commands) this.#apply({ ...command, term: this.term, at: 0 });
  }

  jump(state: ControlState): void {
    this.state = state;
    for (const listener of this.#restored) listener(state);
  }

  async read(): Promise<ControlState> {
    this.reads += 1;
    return this.state;
  }

  subscribe(listener: Parameters<ControlLog['subscribe']>[0]): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onRestore(listener: Parameters<ControlLog['onRestore']>[0]): () => void {
    this.#restored.add(listener);
    return () => this.#restored.delete(listener);
  }

  #apply(command: Command): ReturnType<typeof apply>['outcome'] {
    const { state, outcome } = apply(this.state, command);
    this.state = state;
    for (const listener of this.#listeners) {
      listener({ index: state.index, command, outcome, state });
    }
    return outcome;
  }
}

const admit = (node: string, store: string): Loose => {
  return { kind: 'node-admit', node, address: node.split('#')[0], cores: 1, store };
};
const points: Loose = {
  kind: 'hydfs-points',
  ...encodePlans([
    { point: 3, version: 0, replicas: ['a'], joining: ['b'] },
    { point: 900, version: 0, replicas: ['b'], joining: [] },
    { point: 901, version: 0, replicas: ['a'], joining: [] },
  ]),
};

function placed(): { log: InstantLog; placement: ControlPlacement; told: number[][] } {
  const control = new InstantLog();
  const clock = new ManualClock();
  const placement = new ControlPlacement({ control, node: 'me:1#x', clock, log: silentLog });
  const told: number[][] = [];
  placement.onChange((changed) => told.push([...changed]));
  return { log: control, placement, told };
}

test('a change of configurations tells which points are concerned, once', (t) => {
  const { log, placement, told } = placed();
  log.decide(points);
  t.deepEqual(told, [[3, 900, 901]]);
  t.deepEqual(placement.config(3), { point: 3, version: 1, replicas: ['a'], joining: ['b'] });
  t.is(placement.config(4), null);
  log.decide({
    kind: 'hydfs-caught-up',
    store: 'b',
    points: [
      [3, 1],
      [900, 7],
    ],
  });
  t.deepEqual(told.slice(1), [[3]]);
  log.decide({ kind: 'hydfs-caught-up', store: 'b', points: [[3, 1]] });
  t.is(told.length, 2);
});

test('a node that goes, comes or restarts concerns the points of its store', (t) => {
  const { log, placement, told } = placed();
  log.decide(points, admit('h:1#x', 'b'));
  t.is(placement.address('b'), 'h:1');
  log.decide(admit('h:1#y', 'b'));
  log.decide({ kind: 'node-remove', node: 'h:1#y' });
  t.is(placement.address('b'), null);
  t.deepEqual(told.slice(1), [
    [3, 900],
    [3, 900],
    [3, 900],
  ]);
});

test('a state that jumps over entries tells what is different in it', (t) => {
  const { log, told } = placed();
  const far = placed();
  far.log.decide(points, admit('h:1#x', 'b'));
  log.decide(points);
  log.jump(far.log.state);
  t.deepEqual(
    told[1].toSorted((a, b) => a - b),
    [3, 900, 901],
  );
});

test('who has ended listens no more', (t) => {
  const { log, placement, told } = placed();
  placement.close();
  log.decide(points);
  t.deepEqual(told, []);
});

test('a wish that meets a new term is repeated in it', async (t) => {
  const { log, placement } = placed();
  log.decide(points, admit('me:1#x', 'a'));
  log.newTerm = true;
  await placement.caughtUp('b', [{ point: 3, version: 1 }]);
  t.deepEqual(placement.config(3)?.replicas, ['a', 'b']);
  log.newTerm = true;
  await placement.unfit('a', 3, 2, 'x'.repeat(100_000));
  t.deepEqual(placement.config(3)?.replicas, ['b']);
  await placement.caughtUp('b', []);
});

test('what an earlier process of a store said of another one has no effect once the next is admitted', async (t) => {
  const { log, placement } = placed();
  log.decide(points, admit('me:1#x', 'a'));
  log.decide(admit('me:1#y', 'a'));
  await placement.caughtUp('b', [{ point: 3, version: 1 }]);
  t.deepEqual(placement.config(3)?.replicas, ['a'], 'it may be half filled by the next one');
});

test('a node takes part when its own admission is known, however it is heard of', async (t) => {
  for (const jumps of [false, true]) {
    const { log, placement } = placed();
    log.decide(points, admit('me:1#w', 'a'));
    let known = false;
    const admitted = placement.admitted().then(() => {
      known = true;
    });
    for (let turn = 0; turn < 5; turn++) await null;
    t.false(known, 'that was an earlier process');
    const far = placed();
    far.log.decide(points, admit('me:1#x', 'a'));
    if (jumps) log.jump(far.log.state);
    else log.decide(admit('me:1#x', 'a'));
    await admitted;
    await placement.admitted();
    t.true(known);
  }
});

test('a point is fresh until its use is decided under the version in force', async (t) => {
  const { log, placement } = placed();
  log.decide({ ...points, fresh: true } as Loose);
  t.deepEqual(
    [3, 4, 900].map((point) => placement.isFresh(point)),
    [true, false, true],
  );
  await placement.use([
    { point: 3, version: 1 },
    { point: 900, version: 2 },
  ]);
  t.deepEqual(
    [3, 900].map((point) => placement.isFresh(point)),
    [false, true],
  );
  t.is(log.reads, 1, 'what is still fresh may only be unknown here');
  await placement.use([]);
});

test('many wishes for newer configurations are one', async (t) => {
  const { log, placement } = placed();
  for (let n = 0; n < 10; n++) placement.refresh();
  t.is(log.reads, 1);
  for (let turn = 0; turn < 5; turn++) await null;
  placement.refresh();
  t.is(log.reads, 2);
});
