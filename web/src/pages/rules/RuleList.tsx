import { Button, Space, Table } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useMay } from '../../api/session';
import type { RuleGroup, RuleStatus } from '../../api/types';
import { OutcomeMark, SeverityMark } from '../../components/StateMarks';
import { TimeText } from '../../components/TimeText';
import { formatSeconds } from '../../format/numbers';

/** The rules of a group: expression, health, alerts, and where to look further. */
export function RuleList({ group }: { group: RuleGroup }) {
  const { t } = useTranslation();
  const mayEdit = useMay('rules:write');
  const health = (rule: RuleStatus) =>
    rule.health === 'unknown' ? (
      <span className="faint">{t('rules.health.unknown')}</span>
    ) : (
      <OutcomeMark ok={rule.health === 'ok'} text={t(rule.health === 'ok' ? 'rules.health.ok' : 'rules.health.err')} />
    );
  return (
    <Table<RuleStatus>
      size="small"
      rowKey="name"
      dataSource={group.rules}
      pagination={false}
      scroll={{ x: 'max-content' }}
      columns={[
        {
          key: 'name',
          title: t('rules.rule'),
          render: (_v, rule) => (
            <div style={{ maxWidth: 520, minWidth: 180 }}>
              <div className="row">
                <strong>{rule.name}</strong>
                {rule.severity && <SeverityMark severity={rule.severity} />}
              </div>
              <div className="mono faint">{rule.expr}</div>
              {rule.last_error && <div style={{ color: 'var(--ant-color-error, #c0341d)' }}>{rule.last_error}</div>}
            </div>
          ),
        },
        { key: 'for', title: t('rules.for'), render: (_v, rule) => (rule.for_secs ? formatSeconds(rule.for_secs) : t('rules.at_once')) },
        { key: 'health', title: t('rules.health.title'), render: (_v, rule) => health(rule) },
        {
          key: 'alerts',
          title: t('menu.alerts'),
          render: (_v, rule) => (
            <Link className="link" to={`/alerts?rule=${encodeURIComponent(rule.name)}`}>
              {rule.firing > 0 ? t('rules.firing', { count: rule.firing }) : rule.pending > 0 ? t('rules.pending', { count: rule.pending }) : '0'}
            </Link>
          ),
        },
        {
          key: 'evaluated',
          title: t('rules.evaluated'),
          render: (_v, rule) => (
            <>
              <TimeText ms={rule.last_evaluation_ms} />
              {typeof rule.duration_ms === 'number' && <span className="faint"> · {formatSeconds(rule.duration_ms / 1000)}</span>}
            </>
          ),
        },
        {
          key: 'actions',
          title: '',
          render: (_v, rule) => (
            <Space size={6}>
              <Link to={`/rules/${encodeURIComponent(group.name)}/${encodeURIComponent(rule.name)}/why`}>
                <Button size="small">{t('rules.why')}</Button>
              </Link>
              <Link to={`/rules/backtest?expr=${encodeURIComponent(rule.expr)}&for=${rule.for_secs}`}>
                <Button size="small">{t('rules.backtest')}</Button>
              </Link>
              {mayEdit && rule.form && (
                <Link to={`/rules/new?edit=${encodeURIComponent(rule.name)}&group=${encodeURIComponent(group.name)}`}>
                  <Button size="small">{t('common.edit')}</Button>
                </Link>
              )}
            </Space>
          ),
        },
      ]}
    />
  );
}
