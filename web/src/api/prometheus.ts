// The Prometheus HTTP API, as the charts and the query page use it.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { queryString, send } from './client';

export interface Sample {
  metric: Record<string, string>;
  value?: [number, string];
  values?: [number, string][];
}

export interface QueryResult {
  resultType: 'matrix' | 'vector' | 'scalar' | 'string';
  result: Sample[] | [number, string];
}

export interface PlotSeries {
  labels: Record<string, string>;
  /** Pairs of milliseconds and value. */
  points: [number, number][];
}

interface Envelope<T> {
  status: string;
  data: T;
  warnings?: string[];
}

export interface RangeQuery {
  expr: string;
  from_ms: number;
  to_ms: number;
  step_secs: number;
}

export async function queryRange(query: RangeQuery, signal?: AbortSignal): Promise<PlotSeries[]> {
  const parameters = queryString({
    query: query.expr,
    start: query.from_ms / 1000,
    end: query.to_ms / 1000,
    step: query.step_secs,
  });
  const answer = await send<Envelope<QueryResult>>('GET', `/prometheus/api/v1/query_range${parameters}`, { signal });
  return toSeries(answer.data);
}

export async function queryInstant(expr: string, time_ms?: number, signal?: AbortSignal): Promise<QueryResult> {
  const parameters = queryString({ query: expr, time: time_ms === undefined ? undefined : time_ms / 1000 });
  return (await send<Envelope<QueryResult>>('GET', `/prometheus/api/v1/query${parameters}`, { signal })).data;
}

export function toSeries(data: QueryResult): PlotSeries[] {
  if (data.resultType === 'scalar' || data.resultType === 'string') return [];
  return (data.result as Sample[]).map(({ metric, values, value }) => ({
    labels: metric,
    points: (values ?? (value ? [value] : [])).map(([time, number]): [number, number] => [
      Math.round(time * 1000),
      parseValue(number),
    ]),
  }));
}

/** Prometheus writes numbers as text: "NaN", "+Inf" and "-Inf" are among them. */
export function parseValue(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

export function useRangeQuery(query: RangeQuery, enabled = true, refetchInterval?: number) {
  return useQuery({
    queryKey: ['series', query],
    queryFn: ({ signal }) => queryRange(query, signal),
    placeholderData: keepPreviousData,
    enabled,
    refetchInterval,
  });
}

export function useLabelValues(label: string) {
  return useQuery({
    queryKey: ['labels', label],
    queryFn: async ({ signal }) =>
      (await send<Envelope<string[]>>('GET', `/prometheus/api/v1/label/${encodeURIComponent(label)}/values`, { signal }))
        .data,
    staleTime: 300_000,
  });
}

/** The names of the metrics that match a selector and have samples within a range of time. */
export async function metricNames(match: string, from_ms: number, to_ms: number, signal?: AbortSignal): Promise<string[]> {
  const parameters = queryString({ 'match[]': match, start: from_ms / 1000, end: to_ms / 1000 });
  return (await send<Envelope<string[]>>('GET', `/prometheus/api/v1/label/__name__/values${parameters}`, { signal })).data;
}
