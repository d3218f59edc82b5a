import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { fetchAll } from '../../api/fetchAll';
import type { AlertRow } from '../../api/types';
import type { Mark } from '../../components/chartMarks';
import type { TimeRange } from '../../components/useTimeRange';

/** The stretches within the range in which an alert was firing, to be marked on charts. */
export function alertMarks(alerts: AlertRow[], from_ms: number, to_ms: number): Mark[] {
  return alerts
    .filter(({ fired_at_ms, resolved_at_ms }) => fired_at_ms && fired_at_ms < to_ms && (resolved_at_ms ?? to_ms) > from_ms)
    .map(({ rule, severity, fired_at_ms, resolved_at_ms }) => ({
      from_ms: Math.max(from_ms, fired_at_ms ?? from_ms),
      to_ms: Math.min(to_ms, resolved_at_ms ?? to_ms),
      label: rule,
      severity: severity === 'critical' || severity === 'warning' ? severity : 'info',
    }));
}

/** The marks of a server's alerts that were firing at any time within the range. */
export function useAlertMarks(server: string, { from_ms, to_ms }: TimeRange): Mark[] {
  const query = { server, until_ms: to_ms, ended_after_ms: from_ms, sort: 'started_at_ms' };
  const alerts = useQuery({
    queryKey: ['alerts', 'marks', query],
    queryFn: () => fetchAll<AlertRow>('alerts', query),
    placeholderData: (previous: AlertRow[] | undefined) => previous,
  });
  return useMemo(() => alertMarks(alerts.data ?? [], from_ms, to_ms), [alerts.data, from_ms, to_ms]);
}
