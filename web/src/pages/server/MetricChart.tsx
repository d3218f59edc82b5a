import { CodeOutlined } from '@ant-design/icons';
import { Button, Card, Tooltip } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type PlotSeries, useRangeQuery } from '../../api/prometheus';
import type { MetricInfo } from '../../api/types';
import type { Line, Mark } from '../../components/chartOption';
import { ErrorPanel } from '../../components/ErrorPanel';
import { SeriesChart } from '../../components/SeriesChart';
import type { TimeRange } from '../../components/useTimeRange';
import { chartQuery, isCounter, seriesNames } from '../../format/promql';
import { useCollectInterval } from './useCollectInterval';
import { PREVIOUS } from './CompareControl';

interface Props {
  metric: MetricInfo;
  server: string;
  range: TimeRange;
  /** Empty, `previous`, or the name of another server. */
  compare: string;
  marks: Mark[];
  onZoom: (from_ms: number, to_ms: number) => void;
}

/** One metric of the server over the range, beside another server or the period before. */
export function MetricChart({ metric, server, range, compare, marks, onZoom }: Props) {
  const { t } = useTranslation();
  const interval_secs = useCollectInterval();
  const { preset: _preset, ...times } = range;
  const settings = { step_secs: range.step_secs, interval_secs };
  const { expr, unit } = chartQuery(metric, server, settings);
  const other = chartQuery(metric, compare && compare !== PREVIOUS ? compare : server, {
    ...settings,
    offset_ms: compare === PREVIOUS ? range.to_ms - range.from_ms : undefined,
  });
  const current = useRangeQuery({ expr, ...times });
  const compared = useRangeQuery({ expr: other.expr, ...times }, compare !== '');

  const lines = useMemo(() => {
    const draw = (series: PlotSeries[], suffix: string, dashed: boolean): Line[] => {
      const names = seriesNames(series.map(({ labels }) => labels), metric.name);
      return series.map(({ points }, index) => ({ name: names[index] + suffix, points, dashed, colour: index }));
    };
    const beside = compare === PREVIOUS ? t('server.previous_period') : compare;
    return [...draw(current.data ?? [], '', false), ...(compare ? draw(compared.data ?? [], ` (${beside})`, true) : [])];
  }, [current.data, compared.data, compare, metric.name, t]);

  const error = current.error ?? (compare ? compared.error : null);
  return (
    <Card
      size="small"
      title={
        <Tooltip title={metric.help}>
          <span className="mono" style={{ fontWeight: 500 }}>
            {metric.name}
            {isCounter(metric) && <span className="faint"> · {t('server.rate')}</span>}
          </span>
        </Tooltip>
      }
      extra={
        <Link to={`/explore?expr=${encodeURIComponent(expr)}${range.preset ? `&range=${range.preset}` : `&from=${range.from_ms}&to=${range.to_ms}`}`}>
          <Button type="text" size="small" icon={<CodeOutlined />} title={t('server.query')} aria-label={t('server.query')} />
        </Link>
      }
      styles={{ body: { padding: '8px 6px 6px' } }}
    >
      {error ? (
        <ErrorPanel error={error} retry={() => void current.refetch()} />
      ) : (
        <SeriesChart lines={lines} unit={unit} marks={marks} group="server" height={190} compact onZoom={onZoom} label={metric.name} {...times} />
      )}
    </Card>
  );
}
