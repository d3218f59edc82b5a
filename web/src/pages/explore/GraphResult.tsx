import { Checkbox, Empty } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRangeQuery } from '../../api/prometheus';
import type { Fault } from '../../api/types';
import { Loading } from '../../components/Loading';
import { SeriesChart } from '../../components/SeriesChart';
import type { TimeRange } from '../../components/useTimeRange';
import { unitOfExpression } from '../../format/numbers';
import { labelText, seriesNames } from '../../format/promql';
import { QueryError } from './QueryError';

const MOST = 100;

interface Props {
  expr: string;
  range: TimeRange;
  onZoom: (from_ms: number, to_ms: number) => void;
  onFault: (fault: Fault) => void;
}

export function GraphResult({ expr, range, onZoom, onFault }: Props) {
  const { t } = useTranslation();
  const [stacked, setStacked] = useState(false);
  const { preset: _preset, ...times } = range;
  const result = useRangeQuery({ expr, ...times });
  const lines = useMemo(
    () => {
      const shown = (result.data ?? []).slice(0, MOST);
      const names = seriesNames(shown.map(({ labels }) => labels), labelText(shown[0]?.labels ?? {}) || expr);
      return shown.map(({ points }, index) => ({ name: names[index], points }));
    },
    [result.data, expr],
  );
  if (result.error) return <QueryError error={result.error} onFault={onFault} />;
  if (!result.data) return <Loading />;
  if (lines.length === 0) return <Empty description={t('explore.nothing')} />;
  return (
    <>
      <SeriesChart lines={lines} unit={unitOfExpression(expr)} height={400} stacked={stacked} onZoom={onZoom} label={expr} {...times} />
      <div className="row-between" style={{ marginTop: 8 }}>
        <span className="faint">
          {t('explore.series', { count: result.data.length })} · {t('explore.step', { step: range.step_secs })}
          {result.data.length > MOST && ` · ${t('explore.shown', { count: MOST })}`}
        </span>
        <Checkbox checked={stacked} onChange={(event) => setStacked(event.target.checked)}>
          {t('explore.stacked')}
        </Checkbox>
      </div>
    </>
  );
}
