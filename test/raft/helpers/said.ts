import type { RaftMessage } from '../../../src/raft/index.ts';

/** A message in a line. */
export function said(message: RaftMessage): string {
  return `${message.from}>${message.to} ${message.kind} ${facts(message)}`.trimEnd();
}

function facts(m: RaftMessage): string {
  switch (m.kind) {
    case 'vote-request': {
      const how = m.pre ? ' pre' : m.transfer ? ' transfer' : '';
      return `term ${m.term} last ${m.lastIndex}/${m.lastTerm}${how}`;
    }
    case 'vote':
      return `term ${m.term} ${m.granted ? 'granted' : 'refused'}${m.pre ? ' pre' : ''}`;
    case 'log-append': {
      const entries = m.entries.map(([term, type, data], i) => {
        const text = type === 1 ? `:${Buffer.from(data)}` : type === 2 ? ':m' : '';
        return ` ${m.prevIndex + 1 + i}/${term}${text}`;
      });
      const { term, prevIndex, prevTerm, commit, round } = m;
      const when = round > 0 ? ` round ${round}` : '';
      return `term ${term} after ${prevIndex}/${prevTerm} commit ${commit}${when}${entries.join('')}`;
    }
    case 'log-append-reply': {
      const when = m.round > 0 ? ` round ${m.round}` : '';
      if (m.ok) return `term ${m.term} has ${m.index}${when}`;
      return `term ${m.term} lacks ${m.index} look at ${m.hintIndex}/${m.hintTerm}${when}`;
    }
    case 'log-snapshot': {
      const { term, index, lastTerm, offset, size, data } = m;
      return `term ${term} of ${index}/${lastTerm} bytes ${offset}+${data.length}/${size}`;
    }
    case 'log-snapshot-ack':
      return `term ${m.term} of ${m.index} from ${m.offset}`;
    case 'timeout-now':
      return `term ${m.term}`;
    case 'read-index':
      return `term ${m.term}`;
    case 'read-index-reply':
      return `term ${m.term} index ${m.index}`;
    case 'log-propose':
      return `term ${m.term} ${Buffer.from(m.data)}`;
    case 'log-propose-reply':
      return `term ${m.term} ${m.why ?? `at ${m.index}/${m.entryTerm}`}`;
  }
}
