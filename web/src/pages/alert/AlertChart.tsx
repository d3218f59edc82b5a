import { CodeOutlined } from '@ant-design/icons';
import { Button, Card } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useRangeQuery } from '../../api/prometheus';
import type { AlertDetail } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { SeriesChart } from '../../components/SeriesChart';
import { useTimeRange } from '../../components/useTimeRange';
import { unitOfExpression } from '../../format/numbers';
import { chooseStep, seriesNames } from '../../format/promql';
import { alertMarks } from '../server/useAlertMarks';
import { withoutThreshold } from './withoutThreshold';

const HOUR = 3_600_000;

/** The value behind the alert, from before it began until after it ended. */
export function AlertChart({ alert, expr }: { alert: AlertDetail; expr: string }) {
  const { t } = useTranslation();
  const { range } = useTimeRange('6h');
  const from_ms = Math.floor((alert.started_at_ms - HOUR) / 60_000) * 60_000;
  const to_ms = alert.resolved_at_ms ? alert.resolved_at_ms + HOUR : range.to_ms;
  const step_secs = chooseStep(from_ms, to_ms);
  const query = withoutThreshold(expr);
  const result = useRangeQuery({ expr: query, from_ms, to_ms, step_secs });

  const lines = useMemo(() => {
    const all = result.data ?? [];
    const own = all.filter(({ labels }) => Object.entries(labels).every(([name, value]) => name === '__name__' || alert.labels[name] === value));
    const shown = (own.length > 0 ? own : all).slice(0, 20);
    const names = seriesNames(shown.map(({ labels }) => labels), alert.rule);
    return shown.map(({ points }, index) => ({ name: names[index], points }));
  }, [result.data, alert.labels, alert.rule]);
  const marks = useMemo(() => alertMarks([alert], from_ms, to_ms), [alert, from_ms, to_ms]);

  return (
    <Card
      size="small"
      title={<span className="mono" style={{ whiteSpace: 'normal' }}>{expr}</span>}
      extra={
        <Link to={`/explore?expr=${encodeURIComponent(query)}&from=${from_ms}&to=${to_ms}`}>
          <Button type="text" size="small" icon={<CodeOutlined />} title={t('server.query')} aria-label={t('server.query')} />
        </Link>
      }
    >
      {result.error ? (
        <ErrorPanel error={result.error} />
      ) : (
        <SeriesChart lines={lines} unit={unitOfExpression(expr)} marks={marks} from_ms={from_ms} to_ms={to_ms} step_secs={step_secs} height={220} label={alert.rule} />
      )}
    </Card>
  );
}
