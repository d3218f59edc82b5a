import type { MetricInfo } from '../../api/types';

export const GROUPS = ['headline', 'cpu', 'memory', 'filesystem', 'disk', 'network', 'system', 'probe', 'other'] as const;
export type GroupKey = (typeof GROUPS)[number];

const HEADLINE = [
  'server_cpu_utilization_ratio',
  'server_memory_utilization_ratio',
  'server_filesystem_utilization_ratio',
  'server_load1',
  'server_network_receive_bytes_total',
  'server_network_transmit_bytes_total',
];

const BY_NAME: [RegExp, GroupKey][] = [
  [/^server_(?:cpu|load)/, 'cpu'],
  [/^server_(?:memory|swap)/, 'memory'],
  [/^server_filesystem/, 'filesystem'],
  [/^server_disk/, 'disk'],
  [/^server_network/, 'network'],
  [/^server_/, 'system'],
  [/^probe_/, 'probe'],
];

/** Metrics by subject, the ones that everybody looks at first. Empty groups are left out. */
export function groupMetrics(metrics: MetricInfo[]): { key: GroupKey; metrics: MetricInfo[] }[] {
  const groups = new Map<GroupKey, MetricInfo[]>(GROUPS.map((key) => [key, []]));
  for (const name of HEADLINE) {
    const metric = metrics.find((candidate) => candidate.name === name);
    if (metric) groups.get('headline')?.push(metric);
  }
  for (const metric of metrics) {
    const key = BY_NAME.find(([pattern]) => pattern.test(metric.name))?.[1] ?? 'other';
    groups.get(key)?.push(metric);
  }
  return [...groups].map(([key, list]) => ({ key, metrics: list })).filter(({ metrics: list }) => list.length > 0);
}
