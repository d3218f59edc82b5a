import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { metricNames } from '../../api/prometheus';
import type { MetricInfo, ServerDetail } from '../../api/types';
import { selector } from '../../format/promql';
import type { TimeRange } from '../../components/useTimeRange';

/** The metrics with what is known of each; those that are no longer sent are known by name alone. */
export function mergeMetrics(known: MetricInfo[], names: string[]): MetricInfo[] {
  const told = new Set(known.map(({ name }) => name));
  const gone = names.filter((name) => !told.has(name));
  return [...known, ...gone.map((name) => ({ name, kind: /_total$/.test(name) ? 'counter' : 'gauge', unit: '', help: '', labels: [] }))].sort((a, b) => a.name.localeCompare(b.name));
}

/** What the server sends now, and what it has sent within the range: a server that is down keeps its charts. */
export function useMetrics(server: string, detail: ServerDetail | undefined, { from_ms, to_ms }: TimeRange): MetricInfo[] {
  const match = selector('', [{ name: 'server', op: '=', value: server }]);
  const names = useQuery({
    queryKey: ['labels', '__name__', match, from_ms, to_ms],
    queryFn: ({ signal }) => metricNames(match, from_ms, to_ms, signal),
    placeholderData: keepPreviousData,
    staleTime: 300_000,
  });
  return useMemo(() => mergeMetrics(detail?.metrics ?? [], names.data ?? []), [detail?.metrics, names.data]);
}
