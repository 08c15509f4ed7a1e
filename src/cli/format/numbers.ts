/** Quantities as people read them. Negative and non-finite numbers are shown as a dash. */

const NOTHING = '-';
/** Made when the first number is shown: that takes longer than most commands. */
let format: Intl.NumberFormat | null = null;

/** `12,345` */
export function humanCount(count: number): string {
  return isQuantity(count) ? grouped(count) : NOTHING;
}

/** `950/s`, `9,500/s`, `84.2 k/s`, `1.23 M/s` */
export function humanRate(perSecond: number): string {
  if (!isQuantity(perSecond)) return NOTHING;
  if (perSecond < 9.95 && perSecond > 0) return `${perSecond.toFixed(1)}/s`;
  if (perSecond < 9_999.5) return `${grouped(perSecond)}/s`;
  if (perSecond < 999_950) return `${(perSecond / 1e3).toFixed(1)} k/s`;
  return `${(perSecond / 1e6).toFixed(2)} M/s`;
}

/** `512 B`, `64.0 KiB`, `1.5 GiB` */
export function humanBytes(bytes: number): string {
  if (!isQuantity(bytes)) return NOTHING;
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** `350 ms`, `4.2 s`, `1 min 05 s`, `2 h 03 min`, `3 d 04 h` */
export function humanDuration(ms: number): string {
  if (!isQuantity(ms)) return NOTHING;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return inTwo(seconds, 60, 'min', 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return inTwo(minutes, 60, 'h', 'min');
  return inTwo(Math.round(minutes / 60), 24, 'd', 'h');
}

/** `62%`, never `100%` before the end and never above it. */
export function humanPercent(part: number, whole: number): string {
  if (whole <= 0 || part >= whole) return '100%';
  return `${Math.min(99, Math.max(0, Math.floor((part / whole) * 100)))}%`;
}

function inTwo(value: number, base: number, large: string, small: string): string {
  const rest = String(value % base).padStart(2, '0');
  return `${Math.floor(value / base)} ${large} ${rest} ${small}`;
}

function isQuantity(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

function grouped(value: number): string {
  format ??= new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
  return format.format(value);
}
