import { EditOutlined, ThunderboltOutlined } from '@ant-design/icons';
import { Button, Card } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useResource } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { Probe } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { RangePicker } from '../../components/RangePicker';
import { useTimeRange } from '../../components/useTimeRange';
import { selector } from '../../format/promql';
import { ProbeChart } from './ProbeChart';
import { ProbeDialog } from './ProbeDialog';
import { ProbeFacts } from './ProbeFacts';
import { ProbeStateMark } from './ProbeMarks';
import { ResultPanel } from './ResultPanel';
import { RunDialog } from './RunDialog';
import { schemeOf } from './probeValues';

/** One probe: what it asks, how it went last, and its course. */
export default function ProbePage() {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  const mayEdit = useMay('probes:write');
  const detail = useResource<Probe>(`probes/${encodeURIComponent(id)}`, undefined, { refetchInterval: 10_000 });
  const time = useTimeRange('1h');
  const [dialog, setDialog] = useState<'edit' | 'run'>();
  const back = (
    <Link className="link" to="/probes">
      {t('probes.back')}
    </Link>
  );
  const probe = detail.data;
  if (!probe) {
    return detail.error ? (
      <>
        <PageHeader title={t('probes.title')} hint={back} />
        <ErrorPanel error={detail.error} retry={() => void detail.refetch()} />
      </>
    ) : (
      <Loading height={320} />
    );
  }
  const of = (metric: string) => selector(metric, [{ name: 'probe', op: '=', value: probe.name }]);
  const isHttp = schemeOf(probe.target).startsWith('http');
  const hasTls = ['https', 'tls'].includes(schemeOf(probe.target));
  const shared = { range: time.range, onZoom: time.setCustom };
  return (
    <>
      <PageHeader
        name={probe.name}
        title={
          <span className="row">
            {probe.name}
            <span style={{ fontSize: 13, fontWeight: 400 }}>
              <ProbeStateMark state={probe.state} />
            </span>
          </span>
        }
        hint={back}
        extra={
          mayEdit && (
            <>
              <Button icon={<ThunderboltOutlined />} onClick={() => setDialog('run')}>
                {t('probes.run')}
              </Button>
              <Button icon={<EditOutlined />} onClick={() => setDialog('edit')}>
                {t('common.edit')}
              </Button>
            </>
          )
        }
      />
      <div className="stack">
        <Card size="small">
          <ProbeFacts probe={probe} range={time.range} />
        </Card>
        {probe.last && !probe.last.ok && probe.enabled && <ResultPanel result={probe.last} />}
        <RangePicker {...time} />
        <div className="grid">
          <ProbeChart title={t('metric_title.probe_duration_seconds')} expr={of('probe_duration_seconds')} unit="seconds" {...shared} />
          <ProbeChart title={t('metric_title.probe_success')} expr={of('probe_success')} unit="count" {...shared} />
          {isHttp && <ProbeChart title={t('metric_title.probe_http_status_code')} expr={of('probe_http_status_code')} unit="count" {...shared} />}
          <ProbeChart title={t('metric_title.probe_failure_info')} expr={of('probe_failure_info')} unit="count" by="reason" {...shared} />
          {hasTls && <ProbeChart title={t('probes.certificate_left')} expr={`(${of('probe_tls_expiry_timestamp_seconds')} - time()) / 86400`} unit="count" {...shared} />}
        </div>
      </div>
      {dialog === 'edit' && <ProbeDialog probe={probe} onClose={() => setDialog(undefined)} />}
      {dialog === 'run' && <RunDialog probe={probe} onClose={() => setDialog(undefined)} />}
    </>
  );
}
