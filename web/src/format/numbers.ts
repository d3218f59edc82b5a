// Numbers for people: binary bytes, ratios as per cent, at most three significant places.

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
export const NOTHING = '–';

export type Unit = 'bytes' | 'bytes/s' | 'ratio' | 'seconds' | 'timestamp' | 'per_second' | 'count';

function isMissing(value: number | null | undefined): value is null | undefined {
  return value === null || value === undefined || Number.isNaN(value);
}

/** Three significant places, no trailing zeros, no exponent below 1e15. */
export function formatNumber(value: number | null | undefined): string {
  if (isMissing(value)) return NOTHING;
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e15 || size < 1e-4)) return value.toExponential(2);
  const digits = size >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return new Intl.NumberFormat('en-US', digits).format(value);
}

export function formatBytes(value: number | null | undefined): string {
  if (isMissing(value)) return NOTHING;
  let size = Math.abs(value);
  let power = 0;
  while (size >= 1024 && power < BINARY.length - 1) {
    size /= 1024;
    power += 1;
  }
  // The marks of an axis may stand less than a byte apart.
  const places = power === 0 ? (size < 10 ? 2 : 0) : size >= 100 ? 0 : 1;
  return `${value < 0 ? '−' : ''}${Number(size.toFixed(places))} ${BINARY[power]}`;
}

export function formatRatio(value: number | null | undefined): string {
  if (isMissing(value)) return NOTHING;
  const percent = value * 100;
  return `${Number(percent.toFixed(Math.abs(percent) < 10 ? 2 : 1))} %`;
}

/** US dollars; less than a cent with as many places as it takes. */
export function formatUsd(value: number | null | undefined, language: string): string {
  if (isMissing(value)) return NOTHING;
  const isTiny = value !== 0 && Math.abs(value) < 0.01;
  const digits = isTiny ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return new Intl.NumberFormat(language, { style: 'currency', currency: 'USD', ...digits }).format(value);
}

/** A length of time from seconds: `850 ms`, `12 s`, `3 h 5 m`, `4 d 2 h`. */
export function formatSeconds(value: number | null | undefined): string {
  if (isMissing(value)) return NOTHING;
  const size = Math.abs(value);
  if (size === 0) return '0 s';
  if (size < 0.001) return `${formatNumber(value * 1e6)} µs`;
  if (size < 1) return `${formatNumber(value * 1000)} ms`;
  if (size < 60) return `${formatNumber(value)} s`;
  const [whole, part, big, small] =
    size < 3600
      ? [Math.floor(size / 60), Math.floor(size % 60), 'm', 's']
      : size < 86_400
        ? [Math.floor(size / 3600), Math.floor((size % 3600) / 60), 'h', 'm']
        : [Math.floor(size / 86_400), Math.floor((size % 86_400) / 3600), 'd', 'h'];
  return `${value < 0 ? '−' : ''}${whole} ${big}${part ? ` ${part} ${small}` : ''}`;
}

export function formatValue(value: number | null | undefined, unit: Unit = 'count'): string {
  switch (unit) {
    case 'bytes':
      return formatBytes(value);
    case 'bytes/s':
      return isMissing(value) ? NOTHING : `${formatBytes(value)}/s`;
    case 'ratio':
      return formatRatio(value);
    case 'seconds':
      return formatSeconds(value);
    case 'timestamp':
      return isMissing(value) ? NOTHING : new Date(value * 1000).toLocaleString();
    case 'per_second':
      return isMissing(value) ? NOTHING : `${formatNumber(value)}/s`;
    default:
      return formatNumber(value);
  }
}

/** The unit of a metric by its name, as Prometheus's naming rules have it. */
export function unitOfMetric(name: string): Unit {
  if (/_timestamp_seconds$/.test(name)) return 'timestamp';
  if (/_ratio$/.test(name)) return 'ratio';
  if (/_bytes$/.test(name) || /_bytes_total$/.test(name)) return 'bytes';
  if (/_seconds$/.test(name) || /_seconds_total$/.test(name)) return 'seconds';
  return 'count';
}

const TOLD: Record<string, Unit> = { bytes: 'bytes', ratio: 'ratio', seconds: 'seconds' };

/** The unit of a metric's values, as its name tells or as its sender says. */
export function unitOf({ name, unit }: { name: string; unit: string }): Unit {
  const named = unitOfMetric(name);
  return named === 'count' ? (TOLD[unit] ?? 'count') : named;
}

/** The unit of a counter's rate. Seconds of work a second are a ratio (CPU time, busy time). */
export function rateUnit(unit: Unit): Unit {
  if (unit === 'bytes') return 'bytes/s';
  if (unit === 'seconds') return 'ratio';
  return 'per_second';
}

/** A guess at the unit of an expression's value from the metric names in it. */
export function unitOfExpression(expr: string): Unit {
  const name = /[a-zA-Z_:][\w:]*_(?:ratio|bytes|bytes_total|seconds|seconds_total)\b/.exec(expr)?.[0];
  if (!name) return 'count';
  const unit = unitOfMetric(name);
  return /\b(?:i?rate|deriv)\s*\(/.test(expr) ? rateUnit(unit) : unit;
}
