import { lazy, Suspense, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useDark } from '../app/preferences';
import { chartColours } from '../app/theme';
import type { Unit } from '../format/numbers';
import type { Mark } from './chartMarks';
import { chartOption, type Line } from './chartOption';
import { Loading } from './Loading';

const Chart = lazy(() => import('./Chart'));

interface Props {
  lines: Line[];
  unit: Unit;
  from_ms: number;
  to_ms: number;
  step_secs: number;
  label: string;
  height?: number;
  marks?: Mark[];
  /** Whether the values are still on their way. */
  loading?: boolean;
  group?: string;
  stacked?: boolean;
  compact?: boolean;
  onZoom?: (from_ms: number, to_ms: number) => void;
}

/** Lines over time, in the current theme and language. */
export function SeriesChart({ lines, unit, from_ms, to_ms, step_secs, label, height = 200, marks, loading, group, stacked, compact, onZoom }: Props) {
  const { t, i18n } = useTranslation();
  const dark = useDark();
  const zoomable = onZoom !== undefined;
  const option = useMemo(
    () => chartOption({ lines, unit, from_ms, to_ms, step_secs, marks, stacked, compact, zoomable, colours: chartColours(dark), language: i18n.language, markText: (rule) => t('chart.firing', { rule }) }),
    [lines, unit, from_ms, to_ms, step_secs, marks, stacked, compact, zoomable, dark, i18n.language, t],
  );
  if (lines.every(({ points }) => points.length === 0)) {
    return loading ? <Loading height={height} /> : <div className="chart-empty faint" style={{ height }}>{t('chart.empty')}</div>;
  }
  return (
    <Suspense fallback={<Loading height={height} />}>
      <Chart option={option} height={height} group={group} onZoom={onZoom} label={label} />
    </Suspense>
  );
}
