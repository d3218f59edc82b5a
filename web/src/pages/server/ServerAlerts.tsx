import { Card } from 'antd';
import { useTranslation } from 'react-i18next';
import { useList } from '../../api/hooks';
import type { AlertRow } from '../../api/types';
import { AlertLines } from '../../components/AlertLines';

/** The active alerts of one server; nothing at all when it is well. */
export function ServerAlerts({ server }: { server: string }) {
  const { t } = useTranslation();
  const alerts = useList<AlertRow>('alerts', { server, state: 'active', page_size: 20 }, { refetchInterval: 30_000 });
  if (!alerts.data || alerts.data.total === 0) return null;
  return (
    <Card size="small" title={t('server.alerts')} styles={{ body: { padding: 0 } }}>
      <AlertLines alerts={alerts.data.items} server={false} />
    </Card>
  );
}
