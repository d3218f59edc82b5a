import { Card, Table } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { asPage, useResource } from '../../api/hooks';
import type { AlertState, Page, RuleReason } from '../../api/types';
import { EmptyHint } from '../../components/EmptyHint';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Labels } from '../../components/Labels';
import { PageHeader } from '../../components/PageHeader';
import { AlertStateMark } from '../../components/StateMarks';
import { formatNumber } from '../../format/numbers';

/** Why a rule fires or does not: its last evaluation, series by series. */
export default function WhyPage() {
  const { t } = useTranslation();
  const { group = '', rule = '' } = useParams();
  const path = `rules/${encodeURIComponent(group)}/${encodeURIComponent(rule)}/why`;
  const reasons = useResource<RuleReason[] | Page<RuleReason>>(path, undefined, { refetchInterval: 30_000 });
  return (
    <>
      <PageHeader
        title={t('why.title', { rule })}
        hint={
          <>
            <Link className="link" to={`/rules/groups/${encodeURIComponent(group)}`}>
              {group}
            </Link>{' '}
            · {t('why.hint')}
          </>
        }
      />
      {reasons.error ? (
        <ErrorPanel error={reasons.error} retry={() => void reasons.refetch()} />
      ) : (
        <Card size="small" styles={{ body: { padding: 0 } }}>
          <Table<RuleReason>
            size="small"
            loading={reasons.isPending}
            rowKey={({ labels }) => JSON.stringify(labels)}
            dataSource={reasons.data && asPage(reasons.data).items}
            locale={{ emptyText: <EmptyHint title={t('why.empty')} hint={t('why.empty_hint')} /> }}
            pagination={{ pageSize: 50, hideOnSinglePage: true, size: 'small' }}
            scroll={{ x: 'max-content' }}
            columns={[
              {
                key: 'state',
                title: t('alerts.state'),
                width: 130,
                render: (_v, { state }) =>
                  state === 'inactive' ? <span className="faint">{t('why.inactive')}</span> : <AlertStateMark state={state as AlertState} />,
              },
              { key: 'value', title: t('alerts.value'), align: 'right', width: 110, sorter: (a, b) => (a.value ?? 0) - (b.value ?? 0), render: (_v, { value }) => <span className="num">{formatNumber(value)}</span> },
              { key: 'reason', title: t('why.reason'), render: (_v, { reason }) => <div style={{ maxWidth: 560, minWidth: 200 }}>{reason}</div> },
              { key: 'labels', title: t('alerts.labels'), render: (_v, { labels }) => <Labels labels={labels} without={['__name__', 'alertname']} /> },
            ]}
          />
        </Card>
      )}
    </>
  );
}
