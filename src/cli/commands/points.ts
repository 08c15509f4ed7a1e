/** `rainstorm points`: whether all files have their copies, and what is waited for when not. */
import type { PointsRow, StoreRow } from '../../node/index.ts';
import { RING_POINTS } from '../../plan/index.ts';
import { humanCount } from '../format/index.ts';
import type { Shown } from './print.ts';

export const storeColumns: readonly Shown<StoreRow>[] = [
  { title: 'NODE', cell: ({ store, address }) => address ?? `store ${store} (no node)` },
  { title: 'PRIMARY', align: 'right', cell: ({ primary }) => primary },
  { title: 'COPIES', align: 'right', cell: ({ points }) => points },
  { title: 'FILLING', align: 'right', cell: ({ joining }) => joining },
];

/** What `row` comes to, one sentence a line. */
export function pointsText({ copies, health, points, stores }: PointsRow): string {
  const { complete, short, moving, lost } = health;
  const living = stores.filter(({ address }) => address !== null).length;
  const each = Math.min(copies, living);
  const wanted =
    each === copies ? '' : ` of the ${copies} that are wanted: there are no more nodes`;
  if (points < RING_POINTS) {
    const begun = `${humanCount(points)} of ${humanCount(RING_POINTS)} points of the ring have a place`;
    return `${begun}; the others get one about a second after the first node was admitted`;
  }
  const lines = [`${humanCount(complete)} of ${humanCount(points)} points have ${copiesOf(each)}`];
  if (complete === points) lines[0] = `all ${humanCount(points)} points have ${copiesOf(each)}`;
  lines[0] += wanted;
  if (short > 0) lines.push(`${humanCount(short)} are under repair: copies are made again`);
  if (moving > 0) lines.push(`${humanCount(moving)} have their copies and move to other nodes`);
  if (lost > 0) {
    const awaited = stores.filter((store) => store.awaited > 0);
    const names = awaited
      .map(({ store, awaited: of }) => `${store} (${humanCount(of)})`)
      .join(', ');
    lines.push(
      `${humanCount(lost)} wait for a node to come back that has one of the stores ${names}`,
    );
  }
  return lines.join('\n');
}

function copiesOf(count: number): string {
  return count === 1 ? 'one copy' : `${count} copies`;
}
