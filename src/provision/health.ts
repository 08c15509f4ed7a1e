/** Whether the nodes of a cluster see each other, from what each of them says. Pure. */
import { z } from 'zod';

const memberRows = z.array(
  z.object({ id: z.string(), address: z.string(), status: z.string(), isSelf: z.boolean() }),
);
const controlRow = z.object({ leader: z.string().nullable() });

export type Member = z.infer<typeof memberRows>[number];

/** What the node on one host says. */
export type View =
  | {
      readonly kind: 'answers';
      readonly name: string;
      readonly members: readonly Member[];
      readonly leader: string | null;
    }
  | { readonly kind: 'silent'; readonly name: string; readonly says: string };

/** Reads what `members --json` and `voters --json` have printed on the host `name`. */
export function readView(name: string, members: string, voters: string): View {
  const [rows, control] = [memberRows.safeParse(json(members)), controlRow.safeParse(json(voters))];
  if (!rows.success || !control.success) {
    return { kind: 'silent', name, says: 'its answer is of another version' };
  }
  return { kind: 'answers', name, members: rows.data, leader: control.data.leader };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The row of the node itself. */
export function selfOf(view: View): Member | null {
  return view.kind === 'silent' ? null : (view.members.find(({ isSelf }) => isSelf) ?? null);
}

/** What is missing until every node lists every other as alive and knows who leads; empty when nothing. */
export function troubles(views: readonly View[]): string[] {
  return views.flatMap((view) => {
    if (view.kind === 'silent') return [`${view.name} does not answer (${view.says})`];
    const alive = new Set(view.members.filter((row) => row.status === 'alive').map(({ id }) => id));
    const missed = views.filter((other) => other !== view && !alive.has(selfOf(other)?.id ?? ''));
    const unseen = missed.map((other) => `${view.name} does not list ${other.name} as alive`);
    if (unseen.length > 0 || view.leader !== null) return unseen;
    return [`${view.name} knows of no leader`];
  });
}
