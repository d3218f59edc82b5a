import { CheckCircleOutlined } from '@ant-design/icons';
import { Card, theme } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useList } from '../../api/hooks';
import type { AlertRow } from '../../api/types';
import { AlertLines } from '../../components/AlertLines';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';

const SHOWN = 8;

/** What burns: the firing alerts first, the worst of them on top. */
export function ActiveAlerts() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const alerts = useList<AlertRow>('alerts', { state: 'active', sort: '-urgency', page_size: SHOWN }, { refetchInterval: 30_000 });
  const total = alerts.data?.total ?? 0;
  return (
    <Card
      size="small"
      title={t('overview.active_alerts')}
      extra={
        <Link className="link" to="/alerts">
          {total > SHOWN ? t('overview.all_alerts', { count: total }) : t('overview.to_alerts')}
        </Link>
      }
      styles={{ body: { padding: 0 } }}
    >
      {alerts.error && <ErrorPanel error={alerts.error} stale={alerts.data !== undefined} />}
      {alerts.isPending && <Loading height={96} />}
      {alerts.data && total === 0 && (
        <div style={{ padding: 16 }}>
          <CheckCircleOutlined style={{ color: token.colorSuccess, marginInlineEnd: 8 }} />
          {t('overview.all_quiet')}
        </div>
      )}
      {alerts.data && <AlertLines alerts={alerts.data.items} />}
    </Card>
  );
}
