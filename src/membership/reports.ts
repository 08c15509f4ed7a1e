/** What membership says to people: one line per event, at once. */
import { fault, type Logger } from '../core/index.ts';
import { nodeIdOf } from './claim.ts';
import type { DeathCause, MemberEvent } from './effects.ts';

const causes: Readonly<Record<DeathCause, string>> = {
  unanswered: 'it does not answer',
  told: 'others report it',
  superseded: 'its address has a new node',
};

/** A busy machine stops everybody a little now and then. */
const STALL_WARNING_MS = 1000;

export function report(log: Logger, event: MemberEvent): void {
  switch (event.kind) {
    case 'joined':
      return log.info(`${nodeIdOf(event.node)} joined`);
    case 'left':
      return log.info(`${nodeIdOf(event.node)} left`);
    case 'suspected':
      return log.warn(`${nodeIdOf(event.node)} is suspected`, { first: event.first });
    case 'alive':
      return log.info(`${nodeIdOf(event.node)} is alive again`, { was: event.was });
    case 'dead':
      return log.warn(`${nodeIdOf(event.node)} is taken for dead: ${causes[event.cause]}`);
    default:
      return reportOfSelf(log, event);
  }
}

function reportOfSelf(log: Logger, event: MemberEvent): void {
  switch (event.kind) {
    case 'mode': {
      const { protocol, suspicion, version } = event.mode;
      const kind = suspicion ? 'with' : 'without';
      return log.info(`failure detection is now ${protocol} ${kind} suspicion`, { version });
    }
    case 'refuted':
      return log.warn(`others took this node for ${event.accused}; it objected`);
    case 'connected':
      return log.info('the cluster answered');
    case 'unanswered': {
      const seeds = event.seeds.join(', ');
      return log.warn(fault('SEEDS_SILENT', { seeds, tries: event.tries }).message);
    }
    case 'stalled': {
      const ms = Math.round(event.lateMs);
      const level = ms < STALL_WARNING_MS ? 'debug' : 'warn';
      return log[level]('this node was stopped for a while', { ms });
    }
    case 'departed':
      return log.info('the others know that this node leaves');
  }
}
