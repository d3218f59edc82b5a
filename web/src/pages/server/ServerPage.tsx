import { EditOutlined } from '@ant-design/icons';
import { Button, Tabs } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useResource } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { ServerDetail } from '../../api/types';
import { CopyButton } from '../../components/CopyButton';
import { EmptyHint } from '../../components/EmptyHint';
import { Loading } from '../../components/Loading';
import { PageFailed } from '../../components/PageFailed';
import { PageHeader } from '../../components/PageHeader';
import { RangePicker } from '../../components/RangePicker';
import { ServerStateMark } from '../../components/StateMarks';
import { useParameter } from '../../components/useParameter';
import { useTimeRange } from '../../components/useTimeRange';
import { CloudActions } from './CloudActions';
import { CompareControl } from './CompareControl';
import { groupMetrics } from './groupMetrics';
import { MetricChart } from './MetricChart';
import { RemoveServer } from './RemoveServer';
import { ServerAlerts } from './ServerAlerts';
import { ServerFacts } from './ServerFacts';
import { useAlertMarks } from './useAlertMarks';
import { useMetrics } from './useMetrics';
import { WatchDialog } from './WatchDialog';

/** Everything about one server: how it stands, what burns, and the charts of all that it measures. */
export default function ServerPage() {
  const { t } = useTranslation();
  const { name = '' } = useParams();
  const { parameters, set } = useParameter();
  const detail = useResource<ServerDetail>(`servers/${encodeURIComponent(name)}`, undefined, { refetchInterval: 30_000 });
  const time = useTimeRange('6h');
  const marks = useAlertMarks(name, time.range);
  const metrics = useMetrics(name, detail.data, time.range);
  const groups = useMemo(() => groupMetrics(metrics), [metrics]);
  const mayEdit = useMay('servers:write');
  const [editing, setEditing] = useState(false);
  const compare = parameters.getAll('compare');
  const asked = parameters.get('tab');
  const tab = groups.some(({ key }) => key === asked) ? (asked ?? undefined) : groups[0]?.key;

  const back = (
    <Link className="link" to="/servers">
      {t('server.back')}
    </Link>
  );
  if (!detail.data) return detail.error ? <PageFailed title={name} back={back} error={detail.error} retry={() => void detail.refetch()} /> : <Loading height={320} />;
  return (
    <>
      <PageHeader
        name={name}
        title={
          <span className="row">
            {name}
            <CopyButton text={name} />
            <span style={{ fontSize: 13, fontWeight: 400 }}>
              <ServerStateMark state={detail.data.state} />
            </span>
          </span>
        }
        hint={back}
        extra={
          <>
            {!detail.data.is_local && <CloudActions name={name} />}
            {mayEdit && (
              <>
                <Button icon={<EditOutlined />} onClick={() => setEditing(true)}>
                  {t('server.watch')}
                </Button>
                {!detail.data.is_local && detail.data.state === 'down' && <RemoveServer server={name} />}
              </>
            )}
          </>
        }
      />
      {editing && <WatchDialog server={detail.data} onClose={() => setEditing(false)} />}
      <div className="stack">
        <ServerFacts server={detail.data} />
        <ServerAlerts server={name} />
        <div className="row-between">
          <RangePicker {...time} />
          <CompareControl server={name} value={compare} onChange={(value) => set('compare', value)} />
        </div>
        {groups.length === 0 && <EmptyHint title={t('server.no_metrics')} hint={t('server.no_metrics_hint')} />}
        <Tabs
          activeKey={tab}
          onChange={(key) => set('tab', key)}
          destroyOnHidden
          items={groups.map(({ key, metrics: shown }) => ({
            key,
            label: t(`metric_groups.${key}`),
            children: (
              <div className="grid">
                {shown.map((metric) => (
                  <MetricChart key={metric.name} metric={metric} server={name} range={time.range} compare={compare} marks={marks} onZoom={time.setCustom} />
                ))}
              </div>
            ),
          }))}
        />
        {groups.length > 0 && <p className="faint" style={{ margin: 0, fontSize: 12 }}>{t('chart.zoom_hint')}</p>}
      </div>
    </>
  );
}
