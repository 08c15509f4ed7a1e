/**
 * The promises of replicated files, checked from outside: from what clients were told and from what
 * the disks hold after a power cut that comes when all is quiet.
 *
 * C1 Every replica holds the same entries; a file that was made and never removed is there.
 * C2 Every append that was acknowledged is there once; no other is there twice, and none that was
 *    never asked for. What was over before something else began stands before it.
 * C3 A writer's numbers go up by one; its epochs never fall; nothing of an older epoch is acknowledged
 *    after the answer to a newer open; an open tells all that was acknowledged before.
 * C4 Whatever was read is what the file has at that place. A client reads what it has appended, and a
 *    file does not get shorter for it.
 * C5 A name is made once until it is removed; what was removed does not come back. Nobody is refused
 *    for a file that only this very creation can have made.
 * C6 Nobody else holds a copy, and nobody holds more copies than are wanted.
 */
import { type Append, type History, type Line, linesIn, type Read } from './hydfs-history.ts';
import { Broken } from './raft-checks.ts';

/** An entry of a file as a disk has it. */
export interface CopyEntry {
  readonly index: number;
  readonly kind: 'append' | 'open';
  readonly offset: number;
  readonly writer: string;
  readonly epoch: number;
  readonly seq: number;
  readonly data: Uint8Array;
}

/** A file on one disk. */
export interface Copy {
  readonly store: string;
  readonly firstIndex: number;
  readonly nextIndex: number;
  /** A checksum per entry, the first of entry `firstIndex`. */
  readonly sums: readonly number[];
  readonly entries: readonly CopyEntry[];
}

/** Where everything stands in the end. */
export interface Ending {
  readonly name: string;
  /** Whether the file was never removed. */
  readonly kept: boolean;
  /** The stores of the file's configuration, and how many there should be. */
  readonly replicas: readonly string[];
  readonly copies: readonly Copy[];
}

/** @throws Broken at the first promise that was broken */
export function judge(history: History, endings: readonly Ending[]): void {
  for (const ending of endings) {
    placed(ending);
    const content = identical(ending);
    refusedForOthers(history, ending.name);
    if (!ending.kept) judgePassing(history, ending, content);
    else judgeKept(history, ending, content);
  }
}

/** C6. */
function placed({ name, replicas, copies }: Ending): void {
  for (const { store } of copies) {
    if (replicas.includes(store)) continue;
    throw new Broken(`copies: ${store} holds ${name}, whose replicas are ${replicas.join(' ')}`);
  }
}

/** C1. The copy that goes back farthest, or null when there is no file. */
function identical({ name, replicas, copies }: Ending): Copy | null {
  if (copies.length === 0) return null;
  if (copies.length < replicas.length) {
    throw new Broken(`copies: ${name} is at ${copies.length} of ${replicas.length} replicas`);
  }
  const longest = copies.reduce((a, b) => (b.firstIndex < a.firstIndex ? b : a));
  for (const copy of copies) {
    if (copy.nextIndex !== longest.nextIndex) {
      const ends = copies.map(({ store, nextIndex }) => `${store} ${nextIndex}`);
      throw new Broken(`copies: those of ${name} end at entries ${ends.join(', ')}`);
    }
    const skip = copy.firstIndex - longest.firstIndex;
    const at = copy.sums.findIndex((sum, index) => sum !== longest.sums[skip + index]);
    if (at < 0) continue;
    const index = copy.firstIndex + at;
    throw new Broken(`copies: entry ${index} of ${name} differs at ${copy.store}`);
  }
  return longest;
}

function judgeKept(history: History, { name }: Ending, copy: Copy | null): void {
  if (copy === null) {
    const made =
      history.creates.some((each) => each.name === name && each.outcome === 'made') ||
      history.opens.some((each) => each.name === name && each.ended < Number.POSITIVE_INFINITY);
    if (made) throw new Broken(`lost: the file ${name} is gone`);
    return;
  }
  const { bytes, from } = contentOf(copy);
  const lines = linesOf(name, bytes, from);
  const appends = history.appends.filter((each) => each.name === name);
  judgeWriters(history, name, copy);
  present(name, appends, lines, from);
  ordered(name, appends, lines);
  for (const read of history.reads) {
    if (read.name === name) judgeRead(read, { bytes, from, lines }, appends);
  }
}

interface Content {
  readonly bytes: Uint8Array;
  /** The first byte that was not trimmed. */
  readonly from: number;
}

function contentOf(copy: Copy): Content {
  const from = copy.entries.at(0)?.offset ?? 0;
  return { bytes: Buffer.concat(copy.entries.map(({ data }) => data)), from };
}

function linesOf(name: string, bytes: Uint8Array, from: number): Line[] {
  // Trimming frees whole entries, so a line begins here whatever `from` is.
  const lines = linesIn(bytes, 0);
  if (lines === null) throw new Broken(`bytes: ${name} holds what nobody has appended`);
  return lines.map((line) => ({ ...line, offset: line.offset + from }));
}

/** C2, but for the order. */
function present(
  name: string,
  appends: readonly Append[],
  lines: readonly Line[],
  from: number,
): void {
  const asked = new Map(appends.map((each) => [each.id, each]));
  const seen = new Set<number>();
  for (const { id } of lines) {
    if (!asked.has(id)) throw new Broken(`once: ${name} holds ${id}, which nobody asked for`);
    if (seen.has(id)) throw new Broken(`once: ${name} holds append ${id} twice`);
    seen.add(id);
  }
  const missing = appends.filter(({ id, ended }) => Number.isFinite(ended) && !seen.has(id));
  for (const each of missing) {
    // What was trimmed stood before all that is left.
    const before = lines.every((line) => !(askedBy(asked, line).ended < each.began));
    if (from > 0 && before) continue;
    throw new Broken(`lost: ${name} lacks append ${each.id} of ${each.client}, ${whoOf(each)}`);
  }
}

function askedBy(asked: ReadonlyMap<number, Append>, { id }: Line): Append {
  const append = asked.get(id);
  if (append === undefined) throw new Broken(`once: ${id} was never asked for`);
  return append;
}

function whoOf({ writer, epoch, seq }: Append): string {
  return writer === '' ? 'without a writer' : `number ${seq} of ${writer} in epoch ${epoch}`;
}

/** C2, the order: nothing stands behind what began after it was over. */
function ordered(name: string, appends: readonly Append[], lines: readonly Line[]): void {
  const asked = new Map(appends.map((each) => [each.id, each]));
  let latest: Append | null = null;
  for (const line of lines) {
    const append = askedBy(asked, line);
    if (latest !== null && append.ended < latest.began) {
      throw new Broken(`order: in ${name} append ${latest.id} stands before ${append.id}`);
    }
    if (latest === null || append.began > latest.began) latest = append;
  }
}

/** C4. */
function judgeRead(
  read: Read,
  content: Content & { readonly lines: readonly Line[] },
  appends: readonly Append[],
): void {
  const { name, client, from, whole } = read;
  const end = from + read.bytes.length;
  const skipped = Math.max(0, content.from - from);
  const there = content.bytes.subarray(from + skipped - content.from, end - content.from);
  const seen = read.bytes.subarray(skipped);
  if (seen.length > there.length || Buffer.compare(seen, there.subarray(0, seen.length)) !== 0) {
    throw new Broken(`reads: ${client} read bytes ${from} to ${end} of ${name}, which are others`);
  }
  if (!whole) return;
  const own = new Set<number>();
  for (const each of appends) {
    if (each.client === client && each.ended < read.began) own.add(each.id);
  }
  for (const { id, offset, bytes } of content.lines) {
    if (!own.has(id) || offset < from || offset + bytes <= end) continue;
    throw new Broken(`reads: ${client} read ${name} up to ${end} and did not see its ${id}`);
  }
}

/** C3. */
function judgeWriters(history: History, name: string, copy: Copy): void {
  const standing = new Map<string, { epoch: number; seq: number | null }>();
  for (const { kind, writer, epoch, seq, index } of copy.entries) {
    if (writer === '') continue;
    // Where the beginning was trimmed, nobody knows where a writer stood.
    const unknown = { epoch: 0, seq: copy.firstIndex === 0 ? 0 : null };
    const before = standing.get(writer) ?? unknown;
    const next = before.seq === null ? seq : before.seq + 1;
    const falls = kind === 'open' ? epoch <= before.epoch : epoch < before.epoch;
    if (falls || (kind === 'append' && seq !== next)) {
      throw new Broken(`writers: entry ${index} of ${name} is ${writer} ${epoch} ${seq}`);
    }
    standing.set(writer, { epoch, seq: kind === 'append' ? seq : before.seq });
  }
  fenced(history, name);
}

function fenced(history: History, name: string): void {
  const opens = history.opens.filter((each) => each.name === name && Number.isFinite(each.ended));
  const appends = history.appends.filter(
    (each) => each.name === name && each.writer !== '' && Number.isFinite(each.ended),
  );
  for (const open of opens) {
    for (const each of [...opens, ...appends]) {
      if (each.writer !== open.writer) continue;
      if (each.epoch < open.epoch && open.ended < each.began) {
        const what = `${each.writer} of epoch ${each.epoch} after epoch ${open.epoch}`;
        throw new Broken(`fence: ${name} has answered ${what} was opened`);
      }
      if ('seq' in each && each.ended < open.began && each.seq > open.position) {
        const told = `${open.writer} stands at ${open.position} after number ${each.seq}`;
        throw new Broken(`writers: ${name} told that ${told} was acknowledged`);
      }
    }
  }
}

/** C2 and C5 for files that come and go. */
function judgePassing(history: History, { name }: Ending, copy: Copy | null): void {
  const { creates, opens, removes } = ofName(history, name);
  const last = removes.reduce((latest, { ended }) => Math.max(latest, ended), 0);
  const lines = copy === null ? [] : linesOf(name, contentOf(copy).bytes, 0);
  const seen = new Set<number>();
  const asked = new Map(
    history.appends.filter((each) => each.name === name).map((each) => [each.id, each]),
  );
  for (const line of lines) {
    if (seen.has(line.id)) throw new Broken(`once: ${name} holds append ${line.id} twice`);
    seen.add(line.id);
    gone(name, askedBy(asked, line), removes, Number.POSITIVE_INFINITY);
  }
  for (const each of asked.values()) {
    if (!Number.isFinite(each.ended) || each.began < last || seen.has(each.id)) continue;
    throw new Broken(`lost: ${name} lacks append ${each.id} of ${each.client}, ${whoOf(each)}`);
  }
  madeOnce(name, creates, removes);
  for (const stat of history.stats) {
    if (stat.name === name && stat.length !== null)
      exists(name, stat, [...creates, ...opens], removes);
  }
  for (const read of history.reads) {
    if (read.name !== name) continue;
    const own = removes.filter(({ client }) => client === read.client);
    for (const line of linesIn(read.bytes, read.from) ?? []) {
      gone(name, askedBy(asked, line), own, read.began);
    }
  }
}

function ofName(history: History, name: string): Pick<History, 'creates' | 'opens' | 'removes'> {
  const of = <T extends { readonly name: string }>(all: readonly T[]): T[] =>
    all.filter((each) => each.name === name);
  return {
    creates: of(history.creates).filter(({ outcome }) => outcome !== 'exists'),
    opens: of(history.opens),
    removes: of(history.removes).filter(({ outcome }) => outcome !== 'missing'),
  };
}

/** `append` was seen at `at`: it was not removed before. */
function gone(name: string, append: Append, removes: History['removes'], at: number): void {
  for (const { began, ended } of removes) {
    if (append.ended < began && ended < at && Number.isFinite(ended)) {
      throw new Broken(`removed: append ${append.id} has come back to ${name}`);
    }
  }
}

function madeOnce(name: string, creates: History['creates'], removes: History['removes']): void {
  const made = creates.filter(({ outcome }) => outcome === 'made');
  for (const first of made) {
    for (const second of made) {
      if (first === second || first.began > second.began) continue;
      // the one that was asked first may have been the last to take effect
      const end = Math.max(first.ended, second.ended);
      const between = removes.some((each) => each.began < end && each.ended > first.began);
      if (!between) throw new Broken(`create: ${name} was made twice and never removed between`);
    }
  }
}

/** C5: where a creation was refused, somebody else may have made what was there. */
function refusedForOthers(history: History, name: string): void {
  const { creates, opens, removes } = ofName(history, name);
  for (const refused of history.creates) {
    if (refused.name !== name || refused.outcome !== 'exists') continue;
    const there = [...creates, ...opens].some((made) => {
      if (made.began > refused.ended) return false;
      return !removes.some(({ began, ended }) => began > made.ended && ended < refused.began);
    });
    if (!there) throw new Broken(`create: ${refused.client} was refused for its own ${name}`);
  }
}

function exists(
  name: string,
  stat: History['stats'][number],
  makes: readonly { readonly began: number; readonly ended: number }[],
  removes: History['removes'],
): void {
  for (const remove of removes) {
    // Others may be told what was true before, by a primary that does not know better.
    if (remove.client !== stat.client || !(remove.ended < stat.began)) continue;
    const again = makes.some((each) => each.ended > remove.began && each.began < stat.ended);
    if (!again) throw new Broken(`removed: ${name} was there after it was removed`);
  }
}
