import { useQuery } from '@tanstack/react-query';
import { Table } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { request } from '../../api/client';
import { useRangeQuery } from '../../api/prometheus';
import type { BacktestInterval } from '../../api/types';
import { Loading } from '../../components/Loading';
import { AlertStateMark } from '../../components/StateMarks';
import { mergeMarks } from '../../components/chartMarks';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Labels } from '../../components/Labels';
import { SeriesChart } from '../../components/SeriesChart';
import { TimeText } from '../../components/TimeText';
import { formatSeconds, unitOfExpression } from '../../format/numbers';
import { chooseStep, seriesNames } from '../../format/promql';
import { parseDuration } from '../../format/time';
import { withoutThreshold } from '../../format/promqlTree';

interface Props {
  expr: string;
  for_secs: number;
  range: string;
}

/** The stretches in which the rule would have been pending or firing, over the values themselves. */
export function BacktestResult({ expr, for_secs, range }: Props) {
  const { t } = useTranslation();
  const { from_ms, to_ms } = useMemo(() => {
    const now = Math.ceil(Date.now() / 60_000) * 60_000;
    return { from_ms: now - (parseDuration(range) ?? 86_400_000), to_ms: now };
  }, [range]);
  const result = useQuery({
    queryKey: ['rules', 'backtest', expr, for_secs, from_ms, to_ms],
    queryFn: ({ signal }) =>
      request<{ intervals: BacktestInterval[] }>('POST', 'rules/backtest', { body: { expr, for_secs, from_ms, to_ms }, signal }),
  });
  const step_secs = chooseStep(from_ms, to_ms);
  const values = useRangeQuery({ expr: withoutThreshold(expr), from_ms, to_ms, step_secs });
  const lines = useMemo(
    () => {
      const shown = (values.data ?? []).slice(0, 20);
      const names = seriesNames(shown.map(({ labels }) => labels), expr);
      return shown.map(({ points }, index) => ({ name: names[index], points }));
    },
    [values.data, expr],
  );
  const intervals = result.data?.intervals;
  const marks = useMemo(
    () => mergeMarks((intervals ?? []).filter(({ state }) => state === 'firing').map((one) => ({ from_ms: one.from_ms, to_ms: one.to_ms, label: one.labels.server ?? t('alert_state.firing'), severity: 'critical' as const }))),
    [intervals, t],
  );
  if (result.error) return <ErrorPanel error={result.error} />;
  if (!intervals) return <Loading />;
  const firing = intervals.filter(({ state }) => state === 'firing');
  return (
    <div className="stack">
      <strong>{firing.length === 0 ? t('backtest.never') : t('backtest.times', { count: firing.length })}</strong>
      <SeriesChart lines={lines} unit={unitOfExpression(expr)} marks={marks} from_ms={from_ms} to_ms={to_ms} step_secs={step_secs} height={200} loading={values.isPending} label={expr} />
      {intervals.length > 0 && (
        <Table<BacktestInterval>
          size="small"
          rowKey={(one) => `${one.from_ms} ${one.state} ${JSON.stringify(one.labels)}`}
          dataSource={intervals}
          pagination={{ pageSize: 10, hideOnSinglePage: true, size: 'small' }}
          scroll={{ x: 'max-content' }}
          columns={[
            { key: 'state', title: t('alerts.state'), render: (_v, one) => <AlertStateMark state={one.state === 'firing' ? 'firing' : 'pending'} /> },
            { key: 'from', title: t('backtest.from'), render: (_v, one) => <TimeText ms={one.from_ms} absolute /> },
            { key: 'length', title: t('backtest.length'), render: (_v, one) => formatSeconds((one.to_ms - one.from_ms) / 1000) },
            { key: 'labels', title: t('alerts.labels'), render: (_v, one) => <div style={{ minWidth: 200, maxWidth: 420 }}><Labels labels={one.labels} without={['__name__', 'alertname']} /></div> },
          ]}
        />
      )}
    </div>
  );
}
