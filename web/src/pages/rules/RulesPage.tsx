import { FileAddOutlined, HistoryOutlined, PlusOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useMay } from '../../api/session';
import type { RuleGroup } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { PageHeader } from '../../components/PageHeader';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { groupLink } from '../../format/links';
import { formatSeconds } from '../../format/numbers';
import { RuleList } from './RuleList';

/** Groups of rules with the state of each rule. */
export default function RulesPage() {
  const { t } = useTranslation();
  const mayEdit = useMay('rules:write');
  const state = useListState({ sort: 'name', state: '', severity: '', health: '' });
  return (
    <>
      <PageHeader
        title={t('rules.title')}
        hint={t('rules.hint')}
        extra={
          <>
            <Link to="/rules/backtest" tabIndex={-1}>
              <Button icon={<HistoryOutlined />}>{t('rules.backtest')}</Button>
            </Link>
            {mayEdit && (
              <>
                <Link to="/rules/groups/new" tabIndex={-1}>
                  <Button icon={<FileAddOutlined />}>{t('rules.new_group')}</Button>
                </Link>
                <Link to="/rules/new" tabIndex={-1}>
                  <Button type="primary" icon={<PlusOutlined />}>
                    {t('rules.new')}
                  </Button>
                </Link>
              </>
            )}
          </>
        }
      />
      <DataTable<RuleGroup>
        path="rule-groups"
        state={state}
        rowKey={({ name }) => name}
        refetchInterval={30_000}
        filters={[
          {
            name: 'state',
            label: t('rules.state'),
            options: [
              { value: 'firing', label: t('alert_state.firing') },
              { value: 'pending', label: t('alert_state.pending') },
              { value: 'inactive', label: t('rules.quiet') },
            ],
          },
          { name: 'severity', label: t('alerts.severity'), options: (['critical', 'warning', 'info'] as const).map((value) => ({ value, label: t(`severity.${value}`) })) },
          { name: 'health', label: t('rules.health.title'), options: (['ok', 'err', 'unknown'] as const).map((value) => ({ value, label: t(`rules.health.${value}`) })) },
        ]}
        expanded
        expand={(group) => <RuleList group={group} />}
        empty={<EmptyHint title={t('rules.empty')} hint={t('rules.empty_hint')} />}
        columns={[
          {
            key: 'name',
            title: t('rules.group'),
            sortable: true,
            narrow: 'title',
            render: ({ name }) => (
              <Link className="link" to={groupLink(name)}>
                {name}
              </Link>
            ),
          },
          { key: 'rules', title: t('rules.count'), align: 'right', render: ({ rules }) => rules.length },
          {
            key: 'state',
            title: t('rules.state'),
            render: ({ rules }) => {
              const firing = rules.reduce((sum, rule) => sum + rule.firing, 0);
              const pending = rules.reduce((sum, rule) => sum + rule.pending, 0);
              const broken = rules.filter(({ health }) => health === 'err').length;
              return [
                firing > 0 && t('rules.firing', { count: firing }),
                pending > 0 && t('rules.pending', { count: pending }),
                broken > 0 && t('rules.broken', { count: broken }),
              ].filter(Boolean).join(' · ') || t('rules.quiet');
            },
          },
          { key: 'interval', title: t('rules.interval'), render: ({ interval_secs }) => formatSeconds(interval_secs) },
          { key: 'updated_at_ms', title: t('rules.updated'), render: ({ updated_at_ms }) => <TimeText ms={updated_at_ms} /> },
        ]}
      />
    </>
  );
}
