// Times for people, always in the zone of the browser.

const ABSOLUTE: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
};

export function formatAbsolute(time_ms: number, language: string): string {
  return new Intl.DateTimeFormat(language, { ...ABSOLUTE, timeZoneName: 'short' }).format(time_ms);
}

export function formatClock(time_ms: number, language: string): string {
  return new Intl.DateTimeFormat(language, ABSOLUTE).format(time_ms);
}

/** The zone of the browser: its name, and how far it is from UTC at a moment, such as `UTC+8`. */
export function zoneOf(time_ms: number): { name: string; offset: string } {
  const minutes = -new Date(time_ms).getTimezoneOffset();
  const rest = Math.abs(minutes) % 60;
  const hours = `${Math.floor(Math.abs(minutes) / 60)}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`;
  return { name: new Intl.DateTimeFormat().resolvedOptions().timeZone, offset: minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '−' : '+'}${hours}` };
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
];

/** "3 minutes ago", "in 2 hours"; dates further off than 30 days are written out. */
export function formatRelative(time_ms: number, now_ms: number, language: string): string {
  const distance = time_ms - now_ms;
  if (Math.abs(distance) > 30 * 86_400_000) {
    return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(time_ms);
  }
  const [unit, size] = STEPS.find(([, length]) => Math.abs(distance) >= length) ?? ['second', 1000];
  const text = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' }).format(Math.round(distance / size), unit);
  // As everywhere else, there is a space between a number and Chinese.
  return text.replace(/(\d)(?=\p{Script=Han})/gu, '$1 ');
}

const DURATION_UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds of a Prometheus duration such as `1h30m`; `undefined` when it is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:ms|[smhdw]))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|[smhdw])/g)) total += Number(amount) * DURATION_UNITS[unit];
  return total;
}

/** A Prometheus duration for milliseconds: whole seconds, largest units first. */
export function promDuration(length_ms: number): string {
  let rest = Math.max(1, Math.round(length_ms / 1000));
  let text = '';
  for (const [unit, size] of [['d', 86_400], ['h', 3600], ['m', 60], ['s', 1]] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
