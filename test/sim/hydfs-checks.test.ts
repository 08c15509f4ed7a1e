/** The checks of replicated files, on histories made by hand: each broken promise is noticed. */
import test from 'ava';
import { crc32 } from '../../src/core/index.ts';
import { type Copy, type CopyEntry, type Ending, judge } from './hydfs-checks.ts';
import { type Append, History, payloadOf } from './hydfs-history.ts';

const FOREVER = Number.POSITIVE_INFINITY;

/** Appends by hand; what is not said is a numbered append of w in epoch 1 that was over at once. */
class Tale {
  readonly history = new History();
  readonly entries: CopyEntry[] = [];
  readonly name: string;
  #length = 0;

  constructor(name = 'kept') {
    this.name = name;
  }

  asked(append: Partial<Append>): Append {
    const id = this.history.appends.length + 1;
    const asked = this.history.asked(this.name, 'c');
    const whole = { ...asked, id, writer: 'w', epoch: 1, seq: id, ...append };
    this.history.appends.push(whole);
    if (append.ended === undefined) whole.ended = this.history.tick();
    return whole;
  }

  opened(epoch: number, position = 0): void {
    const asked = this.history.asked(this.name, 'c');
    this.history.opens.push({ ...asked, ended: this.history.tick(), writer: 'w', epoch, position });
  }

  /** It is in the file. */
  stands({ writer, epoch, seq, ...append }: Append, as: Partial<CopyEntry> = {}): void {
    const data = payloadOf({ writer, epoch, seq, ...append }, 3);
    const at = { index: this.entries.length + 1, offset: this.#length };
    this.entries.push({ kind: 'append', ...at, writer, epoch, seq, data, ...as });
    this.#length += data.length;
  }

  openStands(epoch: number): void {
    const at = { index: this.entries.length + 1, offset: this.#length };
    this.entries.push({ kind: 'open', ...at, writer: 'w', epoch, seq: 0, data: new Uint8Array(0) });
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.entries.map(({ data }) => data));
  }

  read(from: number, bytes: Uint8Array): void {
    const asked = this.history.asked(this.name, 'c');
    const ended = this.history.tick();
    this.history.reads.push({ ...asked, ended, from, bytes, whole: true });
  }

  copy(store: string, entries = this.entries): Copy {
    const sums = [0, ...entries.map(({ data, epoch, seq }) => crc32(data) + epoch + seq)];
    return { store, firstIndex: 0, nextIndex: sums.length, sums, entries };
  }

  problem(ending: Partial<Ending> = {}): string {
    const copies = this.entries.length === 0 ? [] : [this.copy('a'), this.copy('b')];
    const { name } = this;
    const whole = { name, kept: name === 'kept', replicas: ['a', 'b'], copies, ...ending };
    try {
      judge(this.history, [whole]);
    } catch (error) {
      return String(error);
    }
    return '';
  }
}

/** Three appends of one writer, all acknowledged and in the file. */
function good(): Tale {
  const tale = new Tale();
  tale.opened(1);
  tale.openStands(1);
  for (let n = 0; n < 3; n++) tale.stands(tale.asked({}));
  return tale;
}

test('a history that keeps all promises passes the checks of replicated files', (t) => {
  const tale = good();
  tale.read(0, tale.bytes);
  tale.asked({ ended: FOREVER, seq: 4 });
  t.is(tale.problem(), '');
});

test('an acknowledged append that is missing, twice there or made up is noticed', (t) => {
  const missing = good();
  missing.asked({ seq: 4 });
  t.regex(missing.problem(), /lost: kept lacks append 4/);
  const twice = good();
  twice.stands(twice.history.appends[2], { seq: 4 });
  t.regex(twice.problem(), /once: kept holds append 3 twice/);
  const invented = good();
  invented.stands({ ...invented.history.appends[2], id: 9, seq: 4 });
  t.regex(invented.problem(), /once: kept holds 9, which nobody asked for/);
  const gone = good();
  t.regex(gone.problem({ copies: [] }), /lost: the file kept is gone/);
});

test('appends in another order than they were acknowledged in are noticed', (t) => {
  const tale = new Tale();
  const [first, second] = [tale.asked({ writer: '' }), tale.asked({ writer: '' })];
  tale.stands(second);
  tale.stands(first);
  t.regex(tale.problem(), /order: in kept append 2 stands before 1/);
});

test('a writer whose numbers jump or whose epoch falls is noticed in the file', (t) => {
  const jump = good();
  jump.stands(jump.asked({ seq: 5 }));
  t.regex(jump.problem(), /writers: entry 5 of kept is w 1 5/);
  const fall = good();
  fall.openStands(2);
  fall.stands(fall.asked({ seq: 4, epoch: 1 }));
  t.regex(fall.problem(), /writers: entry 6 of kept is w 1 4/);
});

test('an append of an older epoch that is acknowledged after a newer open is noticed', (t) => {
  const tale = good();
  tale.opened(2, 3);
  tale.asked({ seq: 4, epoch: 1 });
  tale.stands(tale.history.appends[3]);
  t.regex(tale.problem(), /fence: kept has answered w of epoch 1 after epoch 2/);
});

test('an open that forgets what was acknowledged before is noticed', (t) => {
  const tale = good();
  tale.opened(2, 2);
  t.regex(tale.problem(), /writers: kept told that w stands at 2 after number 3/);
});

test('reads of bytes that are not in the file, and without the reader its own, are noticed', (t) => {
  const other = good();
  const bytes = Uint8Array.from(other.bytes);
  bytes[4] ^= 1;
  other.read(0, bytes);
  t.regex(other.problem(), /reads: c read bytes 0 to \d+ of kept, which are others/);
  const more = good();
  more.read(0, Buffer.concat([more.bytes, more.bytes]));
  t.regex(more.problem(), /which are others/);
  const less = good();
  less.read(0, less.entries[1].data);
  t.regex(less.problem(), /did not see its 2/);
});

test('replicas that differ, end elsewhere, are too few or too many are noticed', (t) => {
  const tale = good();
  const a = tale.copy('a');
  const sums = a.sums.with(2, 1);
  t.regex(
    tale.problem({ copies: [a, { ...a, store: 'b', sums }] }),
    /entry 2 of kept differs at b/,
  );
  const short = { ...tale.copy('b', tale.entries.slice(0, 3)), store: 'b' };
  t.regex(tale.problem({ copies: [a, short] }), /end at entries a 5, b 4/);
  t.regex(tale.problem({ copies: [a] }), /kept is at 1 of 2 replicas/);
  const third = { ...a, store: 'c' };
  t.regex(tale.problem({ copies: [a, tale.copy('b'), third] }), /c holds kept/);
});

test('a creation that is refused though nobody else can have made the file is noticed', (t) => {
  const created = (tale: Tale, outcome: 'made' | 'exists' | 'unknown'): void => {
    const asked = tale.history.asked(tale.name, 'c');
    tale.history.creates.push({ ...asked, ended: tale.history.tick(), outcome });
  };
  const alone = new Tale('passing');
  created(alone, 'exists');
  t.regex(alone.problem(), /create: c was refused for its own passing/);
  const second = new Tale('passing');
  created(second, 'unknown');
  created(second, 'exists');
  t.is(second.problem(), '');
  const removed = new Tale('passing');
  created(removed, 'made');
  const asked = removed.history.asked('passing', 'c');
  removed.history.removes.push({ ...asked, ended: removed.history.tick(), outcome: 'removed' });
  created(removed, 'exists');
  t.regex(removed.problem(), /create: c was refused for its own passing/);
});

test('files that are made twice, or come back after they were removed, are noticed', (t) => {
  const made = (tale: Tale): void => {
    const asked = tale.history.asked(tale.name, 'c');
    tale.history.creates.push({ ...asked, ended: tale.history.tick(), outcome: 'made' });
  };
  const removed = (tale: Tale): void => {
    const asked = tale.history.asked(tale.name, 'c');
    tale.history.removes.push({ ...asked, ended: tale.history.tick(), outcome: 'removed' });
  };
  const fine = new Tale('passing');
  made(fine);
  removed(fine);
  made(fine);
  t.is(fine.problem(), '');
  const twice = new Tale('passing');
  made(twice);
  made(twice);
  t.regex(twice.problem(), /create: passing was made twice/);
  const back = new Tale('passing');
  made(back);
  back.stands(back.asked({ writer: '', epoch: 0, seq: 0 }));
  removed(back);
  t.regex(back.problem(), /removed: append 1 has come back to passing/);
  const there = new Tale('passing');
  made(there);
  removed(there);
  const asked = there.history.asked('passing', 'c');
  there.history.stats.push({ ...asked, ended: there.history.tick(), length: 0 });
  t.regex(there.problem(), /removed: passing was there after it was removed/);
});
