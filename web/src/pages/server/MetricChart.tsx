import { Card, Tooltip } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type PlotSeries, useRangeQuery } from '../../api/prometheus';
import type { MetricInfo } from '../../api/types';
import type { Mark } from '../../components/chartMarks';
import type { Line } from '../../components/chartOption';
import { CopyButton } from '../../components/CopyButton';
import { ErrorPanel } from '../../components/ErrorPanel';
import { QueryLink } from '../../components/QueryLink';
import { SeriesChart } from '../../components/SeriesChart';
import { useMetricTitle, useUnitName } from '../../components/useMetricTitle';
import type { TimeRange } from '../../components/useTimeRange';
import { chartQuery, seriesNames } from '../../format/promql';
import { PREVIOUS } from './CompareControl';
import { useCollectInterval } from './useCollectInterval';
import { useInView } from './useInView';

interface Props {
  metric: MetricInfo;
  server: string;
  range: TimeRange;
  /** `previous`, and the names of other servers. */
  compare: string[];
  marks: Mark[];
  onZoom: (from_ms: number, to_ms: number) => void;
}

const HEIGHT = 190;

/** One metric of the server over the range, beside other servers or the period before. */
export function MetricChart({ metric, server, range, compare, marks, onZoom }: Props) {
  const { t } = useTranslation();
  const titleOf = useMetricTitle();
  const unitName = useUnitName();
  const [frame, seen] = useInView();
  const interval_secs = useCollectInterval(server);
  const { preset: _preset, ...times } = range;
  const settings = { step_secs: range.step_secs, interval_secs };
  const before = compare.includes(PREVIOUS);
  const others = compare.filter((name) => name !== PREVIOUS);
  const { expr, unit } = chartQuery(metric, [server], settings);
  const past = chartQuery(metric, [server], { ...settings, offset_ms: range.to_ms - range.from_ms }).expr;
  const beside = chartQuery(metric, others, settings).expr;
  const current = useRangeQuery({ expr, ...times }, seen);
  const earlier = useRangeQuery({ expr: past, ...times }, seen && before);
  const compared = useRangeQuery({ expr: beside, ...times }, seen && others.length > 0);

  const lines = useMemo(() => {
    const draw = (series: PlotSeries[], owner: string, style: Partial<Line> & { first?: number } = {}): Line[] => {
      const { first = 0, dashed } = style;
      const names = seriesNames(series.map(({ labels }) => labels), '');
      const named = (name: string) => (name && owner ? `${name} (${owner})` : name || owner || server);
      return series.map(({ points }, index) => ({ name: named(names[index]), points, dashed, colour: first + index }));
    };
    const own = current.data ?? [];
    const peers = others.map((name) => (compared.data ?? []).filter(({ labels }) => labels.server === name));
    return [
      ...draw(own, ''),
      ...(before ? draw(earlier.data ?? [], t('server.previous_period'), { dashed: true }) : []),
      ...peers.flatMap((series, index) => draw(series, others[index], { first: own.length * (index + 1) })),
    ];
    // `others` is made anew each time; its text tells when it changes.
  }, [current.data, earlier.data, compared.data, before, others.join('\n'), server, t]);

  const title = titleOf(metric.name);
  const unitText = unitName(unit);
  const error = current.error ?? (before ? earlier.error : null) ?? (others.length > 0 ? compared.error : null);
  return (
    <Card
      ref={frame}
      size="small"
      title={
        <Tooltip title={metric.help} placement="topLeft">
          <span className="chart-title">
            <span>
              {title}
              {unitText && <span className="faint chart-unit"> {unitText}</span>}
            </span>
            {title !== metric.name && <span className="mono faint">{metric.name}</span>}
          </span>
        </Tooltip>
      }
      extra={
        <>
          <CopyButton text={expr} title={t('server.copy_query')} />
          <QueryLink expr={expr} range={range} />
        </>
      }
      styles={{ header: { minHeight: 50 }, body: { padding: '8px 6px 6px' } }}
    >
      {error ? (
        <ErrorPanel error={error} retry={() => void current.refetch()} />
      ) : (
        <SeriesChart lines={lines} unit={unit} marks={marks} group="server" height={HEIGHT} compact loading={current.isPending} onZoom={onZoom} label={`${title} (${metric.name})`} {...times} />
      )}
    </Card>
  );
}
