// Building PromQL text from parts that people chose.
import type { Matcher, MetricInfo } from '../api/types';
import { promDuration } from './time';
import { rateUnit, type Unit, unitOf } from './numbers';

/** A PromQL string literal. */
export function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

/** A condition as a text: `severity="critical"`. */
export function matcherText({ name, op, value }: Matcher): string {
  return `${name}${op}${quote(value)}`;
}

/** Reads what `matcherText` wrote; of anything else only the text is kept, as a name to be mended. */
export function readMatcher(text: string): Matcher {
  const found = /^\s*([\w:.]+)\s*(=~|!~|!=|=)\s*"((?:\\.|[^"\\])*)"\s*$/s.exec(text);
  if (!found) return { name: text, op: '=', value: '' };
  const value = found[3].replace(/\\(.)/gs, (_all, character: string) => (character === 'n' ? '\n' : character));
  return { name: found[1], op: found[2] as Matcher['op'], value };
}

export function selector(metric: string, matchers: Matcher[]): string {
  const inside = matchers.map(matcherText).join(',');
  return inside ? `${metric}{${inside}}` : metric;
}

export function labelText(labels: Record<string, string>, without: string[] = []): string {
  return Object.entries(labels)
    .filter(([name]) => !without.includes(name) && name !== '__name__')
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(', ');
}

/** A text as a regular expression that matches nothing else. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

export interface ChartQuery {
  expr: string;
  unit: Unit;
}

export function isCounter(metric: MetricInfo): boolean {
  return metric.kind === 'counter' || /_total$/.test(metric.name);
}

/** The query behind the chart of one metric of some servers: counters as a rate, gauges as they are. */
export function chartQuery(
  metric: MetricInfo,
  servers: string[],
  { step_secs, interval_secs, offset_ms }: { step_secs: number; interval_secs: number; offset_ms?: number },
): ChartQuery {
  const base = selector(metric.name, [
    servers.length === 1
      ? { name: 'server', op: '=', value: servers[0] }
      : { name: 'server', op: '=~', value: servers.map(escapeRegex).join('|') },
  ]);
  const offset = offset_ms ? ` offset ${promDuration(offset_ms)}` : '';
  const unit = unitOf(metric);
  if (!isCounter(metric)) return { expr: `${base}${offset}`, unit };
  // Four samples fit the window, so that one that is missing leaves no gap.
  const window = promDuration(Math.max(4 * interval_secs, step_secs) * 1000);
  return { expr: `rate(${base}[${window}]${offset})`, unit: rateUnit(unit) };
}

/** A step that gives about `points` points over the range, from a list of round lengths. */
export function chooseStep(from_ms: number, to_ms: number, points = 240): number {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400];
  const wanted = (to_ms - from_ms) / 1000 / points;
  return steps.find((step) => step >= wanted) ?? 86_400;
}

/** Line and column (from 1) that a PromQL error message names, as in `1:5: parse error: …`. */
export function errorPosition(message: string): { line: number; column: number } | undefined {
  const found = /(?:^|\s|\()(\d+):(\d+)\b/.exec(message) ?? /line (\d+),? (?:column|char) (\d+)/.exec(message);
  return found ? { line: Number(found[1]), column: Number(found[2]) } : undefined;
}

const TELLING = ['server', 'mountpoint', 'device', 'core', 'mode', 'resource', 'probe'];

/**
 * Names for the series of one chart: only the labels in which they differ, since the others say
 * nothing; a single label stands without its name.
 */
export function seriesNames(all: Record<string, string>[], fallback: string): string[] {
  const names = [...new Set(all.flatMap((labels) => Object.keys(labels)))];
  const telling = names.filter((name) => new Set(all.map((labels) => labels[name])).size > 1);
  // One label that tells all apart is enough, the one that people know best first.
  const wanted = [...TELLING.filter((name) => telling.includes(name)), ...telling];
  const alone = wanted.find((name) => new Set(all.map((labels) => labels[name] ?? '')).size === all.length);
  return all.map((labels) => {
    if (alone) return labels[alone] ?? fallback;
    return telling.filter((name) => labels[name]).map((name) => `${name}=${labels[name]}`).join(', ') || fallback;
  });
}
