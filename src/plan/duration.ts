/** Durations as people write them: `500ms`, `10s`, `1.5s`, `2m`, `1h`. Inside they are milliseconds. */

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
/** What a duration looks like. */
export const DURATION_FORM = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h)$/;

/** The milliseconds that `text` says, a whole number, or null when it is not a duration. */
export function parseDuration(text: string): number | null {
  const match = DURATION_FORM.exec(text);
  if (match === null) return null;
  const ms = Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  const whole = Math.round(ms);
  return Math.abs(ms - whole) < 1e-6 ? whole : null;
}

/** `ms` (whole) in the largest unit that shows it exactly; `parseDuration` reads it back. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms > 0 && ms % UNITS[unit] === 0) return `${ms / UNITS[unit]}${unit}`;
  }
  return `${ms}ms`;
}
