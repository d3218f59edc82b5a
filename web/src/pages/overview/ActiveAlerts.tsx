import { CheckCircleOutlined } from '@ant-design/icons';
import { Card, Table, theme } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useList } from '../../api/hooks';
import type { AlertRow } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { AlertStateMark, SeverityMark } from '../../components/StateMarks';
import { TimeText } from '../../components/TimeText';

export function ActiveAlerts() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const alerts = useList<AlertRow>('alerts', { state: 'active', sort: '-started_at_ms', page_size: 8 }, { refetchInterval: 30_000 });
  const total = alerts.data?.total ?? 0;
  return (
    <Card
      size="small"
      title={t('overview.active_alerts')}
      extra={
        <Link className="link" to="/alerts">
          {total > 8 ? t('overview.all_alerts', { count: total }) : t('overview.to_alerts')}
        </Link>
      }
      styles={{ body: { padding: 0 } }}
    >
      {alerts.error ? (
        <ErrorPanel error={alerts.error} />
      ) : alerts.data && total === 0 ? (
        <div style={{ padding: 16 }}>
          <CheckCircleOutlined style={{ color: token.colorSuccess, marginInlineEnd: 8 }} />
          {t('overview.all_quiet')}
        </div>
      ) : (
        <Table<AlertRow>
          size="small"
          rowKey="id"
          showHeader={false}
          loading={alerts.isPending}
          dataSource={alerts.data?.items}
          pagination={false}
          scroll={{ x: 'max-content' }}
          columns={[
            { key: 'severity', width: 96, render: (_v, row) => <SeverityMark severity={row.severity} /> },
            {
              key: 'rule',
              render: (_v, row) => (
                <>
                  <Link className="link" to={`/alerts/${row.id}`}>
                    {row.rule}
                  </Link>{' '}
                  <span className="faint">{row.annotations.summary}</span>
                </>
              ),
            },
            { key: 'server', render: (_v, row) => row.labels.server ?? row.labels.instance },
            { key: 'state', width: 120, render: (_v, row) => <AlertStateMark state={row.state} /> },
            { key: 'since', width: 110, render: (_v, row) => <TimeText ms={row.fired_at_ms ?? row.started_at_ms} /> },
          ]}
        />
      )}
    </Card>
  );
}
