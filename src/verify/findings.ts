import { type Check, type CheckId, checkIds, claims } from './verdict.ts';

/** Notes of one check that are kept; a job may have hundreds of logs. */
const NOTES_MAX = 12;

/** What one check has found so far. */
class Finding {
  readonly examined = new Map<string, number>();
  readonly notes = new Set<string>();
  violations = 0;
  counterExample: string | null = null;
  skipped = false;
}

/** What all checks have found so far; those who look at entries report here. */
export class Findings {
  readonly #findings = new Map<CheckId, Finding>(checkIds.map((id) => [id, new Finding()]));

  /** `count` things more were looked at. */
  examined(id: CheckId, what: string, count = 1): void {
    const { examined } = this.#of(id);
    examined.set(what, (examined.get(what) ?? 0) + count);
  }

  /** Refutes the check unless `holds`; `says` makes the sentence of the counter-example. */
  expect(id: CheckId, holds: boolean, says: () => string): boolean {
    if (holds) return true;
    const finding = this.#of(id);
    finding.violations += 1;
    finding.counterExample ??= says();
    return false;
  }

  /** Something that the reader should know about the check. */
  note(id: CheckId, text: string): void {
    const { notes } = this.#of(id);
    if (notes.size < NOTES_MAX) notes.add(text);
  }

  /** The check does not apply, for the reason given. */
  skip(id: CheckId, reason: string): void {
    this.#of(id).skipped = true;
    this.note(id, reason);
  }

  isRefuted(id: CheckId): boolean {
    return this.#of(id).violations > 0;
  }

  checks(): Check[] {
    return checkIds.map((id) => {
      const finding = this.#of(id);
      return {
        id,
        claim: claims[id],
        outcome: outcomeOf(finding),
        examined: Object.fromEntries(finding.examined),
        violations: finding.violations,
        counterExample: finding.counterExample,
        notes: [...finding.notes],
      };
    });
  }

  #of(id: CheckId): Finding {
    const finding = this.#findings.get(id);
    if (finding === undefined) throw new RangeError(`there is no check ${id}`);
    return finding;
  }
}

/** A check that has looked at nothing has proved nothing. */
function outcomeOf({ violations, skipped, examined }: Finding): Check['outcome'] {
  if (violations > 0) return 'refuted';
  return skipped || examined.size === 0 ? 'skipped' : 'proved';
}
