import { Empty, Spin, Tabs } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams, useSearchParams } from 'react-router';
import { useResource } from '../../api/hooks';
import type { ServerDetail } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { PageHeader } from '../../components/PageHeader';
import { RangePicker } from '../../components/RangePicker';
import { ServerStateMark } from '../../components/StateMarks';
import { useTimeRange } from '../../components/useTimeRange';
import { CompareControl } from './CompareControl';
import { groupMetrics } from './groupMetrics';
import { MetricChart } from './MetricChart';
import { ServerAlerts } from './ServerAlerts';
import { ServerFacts } from './ServerFacts';
import { useAlertMarks } from './useAlertMarks';

export default function ServerPage() {
  const { t } = useTranslation();
  const { name = '' } = useParams();
  const [parameters, setParameters] = useSearchParams();
  const detail = useResource<ServerDetail>(`servers/${encodeURIComponent(name)}`, undefined, { refetchInterval: 30_000 });
  const time = useTimeRange('6h');
  const marks = useAlertMarks(name, time.range);
  const groups = useMemo(() => groupMetrics(detail.data?.metrics ?? []), [detail.data?.metrics]);
  const compare = parameters.get('compare') ?? '';
  const tab = parameters.get('tab') ?? groups[0]?.key;

  const set = (parameter: string, value: string) =>
    setParameters((old) => {
      const next = new URLSearchParams(old);
      if (value) next.set(parameter, value);
      else next.delete(parameter);
      return next;
    }, { replace: true });

  if (detail.error) return <ErrorPanel error={detail.error} retry={() => void detail.refetch()} />;
  if (!detail.data) return <Spin style={{ display: 'block', margin: 48 }} />;
  return (
    <>
      <PageHeader
        name={name}
        title={
          <span className="row">
            {name}
            <span style={{ fontSize: 13, fontWeight: 400 }}>
              <ServerStateMark state={detail.data.state} />
            </span>
          </span>
        }
        hint={
          <Link className="link" to="/servers">
            {t('server.back')}
          </Link>
        }
      />
      <div className="stack">
        <ServerFacts server={detail.data} />
        <ServerAlerts server={name} />
        <div className="row-between">
          <RangePicker {...time} />
          <CompareControl server={name} value={compare} onChange={(value) => set('compare', value)} />
        </div>
        {groups.length === 0 && <Empty description={t('server.no_metrics')} />}
        <Tabs
          activeKey={tab}
          onChange={(key) => set('tab', key)}
          destroyOnHidden
          items={groups.map(({ key, metrics }) => ({
            key,
            label: t(`metric_groups.${key}`),
            children: (
              <div className="grid">
                {metrics.map((metric) => (
                  <MetricChart key={metric.name} metric={metric} server={name} range={time.range} compare={compare} marks={marks} onZoom={time.setCustom} />
                ))}
              </div>
            ),
          }))}
        />
      </div>
    </>
  );
}
