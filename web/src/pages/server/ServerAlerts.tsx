import { Card } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useList } from '../../api/hooks';
import type { AlertRow } from '../../api/types';
import { AlertStateMark, SeverityMark } from '../../components/StateMarks';
import { TimeText } from '../../components/TimeText';

/** The active alerts of one server; nothing at all when it is well. */
export function ServerAlerts({ server }: { server: string }) {
  const { t } = useTranslation();
  const alerts = useList<AlertRow>('alerts', { server, state: 'active', page_size: 20 }, { refetchInterval: 30_000 });
  if (!alerts.data || alerts.data.total === 0) return null;
  return (
    <Card size="small" title={t('server.alerts')}>
      {alerts.data.items.map((alert) => (
        <div key={alert.id} className="row" style={{ padding: '3px 0', columnGap: 14 }}>
          <SeverityMark severity={alert.severity} />
          <Link className="link" to={`/alerts/${alert.id}`}>
            {alert.rule}
          </Link>
          <AlertStateMark state={alert.state} />
          <span className="faint">{alert.annotations.summary}</span>
          <TimeText ms={alert.fired_at_ms ?? alert.started_at_ms} />
        </div>
      ))}
    </Card>
  );
}
