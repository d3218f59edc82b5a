import { Card } from 'antd';
import { useMemo } from 'react';
import { useRangeQuery } from '../../api/prometheus';
import type { Line } from '../../components/chartOption';
import { ErrorPanel } from '../../components/ErrorPanel';
import { QueryLink } from '../../components/QueryLink';
import { SeriesChart } from '../../components/SeriesChart';
import type { TimeRange } from '../../components/useTimeRange';
import type { Unit } from '../../format/numbers';

interface Props {
  title: string;
  expr: string;
  unit: Unit;
  range: TimeRange;
  /** The label that tells the lines apart. */
  by?: string;
  onZoom: (from_ms: number, to_ms: number) => void;
}

/** One measurement of a probe over the range. */
export function ProbeChart({ title, expr, unit, range, by = 'target', onZoom }: Props) {
  const { preset: _preset, ...times } = range;
  const result = useRangeQuery({ expr, ...times });
  const lines = useMemo<Line[]>(
    () => (result.data ?? []).map(({ labels, points }, index) => ({ name: labels[by] ?? title, points, colour: index })),
    [result.data, by, title],
  );
  return (
    <Card size="small" title={title} extra={<QueryLink expr={expr} range={range} />} styles={{ body: { padding: '8px 6px 6px' } }}>
      {result.error ? (
        <ErrorPanel error={result.error} retry={() => void result.refetch()} />
      ) : (
        <SeriesChart lines={lines} unit={unit} group="probe" height={190} compact loading={result.isPending} onZoom={onZoom} label={title} {...times} />
      )}
    </Card>
  );
}
