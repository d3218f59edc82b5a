import { Card } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useRangeQuery } from '../../api/prometheus';
import type { AlertDetail } from '../../api/types';
import { CopyButton } from '../../components/CopyButton';
import { ErrorPanel } from '../../components/ErrorPanel';
import { QueryLink } from '../../components/QueryLink';
import { SeriesChart } from '../../components/SeriesChart';
import { useTimeRange } from '../../components/useTimeRange';
import { unitOfExpression } from '../../format/numbers';
import { chooseStep, seriesNames } from '../../format/promql';
import { narrowed, withoutThreshold } from '../../format/promqlTree';
import { alertMarks } from '../server/useAlertMarks';

const HOUR = 3_600_000;
const MOST = 20;

/** The value behind the alert, from before it began until after it ended. */
export function AlertChart({ alert, expr }: { alert: AlertDetail; expr: string }) {
  const { t } = useTranslation();
  const { range } = useTimeRange('6h');
  const from_ms = Math.floor((alert.started_at_ms - HOUR) / 60_000) * 60_000;
  const to_ms = alert.resolved_at_ms ? alert.resolved_at_ms + HOUR : range.to_ms;
  const step_secs = chooseStep(from_ms, to_ms);
  const { server } = alert.labels;
  const whole = withoutThreshold(expr);
  // A rule over a fleet asks for thousands of series; only those of this alert are drawn.
  const query = server ? narrowed(whole, 'server', server) : whole;
  const result = useRangeQuery({ expr: query, from_ms, to_ms, step_secs });

  const lines = useMemo(() => {
    const all = result.data ?? [];
    const own = all.filter(({ labels }) => Object.entries(labels).every(([name, value]) => name === '__name__' || alert.labels[name] === value));
    const shown = (own.length > 0 ? own : all).slice(0, MOST);
    const names = seriesNames(shown.map(({ labels }) => labels), server ?? alert.rule);
    return shown.map(({ points }, index) => ({ name: names[index], points }));
  }, [result.data, alert.labels, alert.rule, server]);
  const marks = useMemo(() => alertMarks([alert], from_ms, to_ms), [alert, from_ms, to_ms]);

  return (
    <Card
      size="small"
      title={t('alert.value_over_time')}
      extra={
        <>
          <CopyButton text={expr} title={t('server.copy_query')} />
          <QueryLink expr={query} range={{ from_ms, to_ms }} />
        </>
      }
    >
      {result.error ? (
        <ErrorPanel error={result.error} />
      ) : (
        <SeriesChart lines={lines} unit={unitOfExpression(expr)} marks={marks} from_ms={from_ms} to_ms={to_ms} step_secs={step_secs} height={220} loading={result.isPending} label={alert.rule} />
      )}
      <div className="mono faint" style={{ marginTop: 6 }}>{expr}</div>
    </Card>
  );
}
