import { Button, Grid, Space, Table, Tooltip } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useMay } from '../../api/session';
import type { RuleGroup, RuleStatus } from '../../api/types';
import { OutcomeMark, SeverityMark } from '../../components/StateMarks';
import { TimeText } from '../../components/TimeText';
import { formLink, groupLink, whyLink } from '../../format/links';
import { formatSeconds, NOTHING } from '../../format/numbers';
import { FORM_GROUP } from './formValues';

const isRecording = ({ kind }: RuleStatus) => kind === 'recording';

/** The rules of a group: expression, health, alerts, and where to look further. */
export function RuleList({ group }: { group: RuleGroup }) {
  const { t } = useTranslation();
  const narrow = Grid.useBreakpoint().md === false;
  const mayEdit = useMay('rules:write');

  const what = (rule: RuleStatus) => (
    <div style={narrow ? undefined : { maxWidth: 460, minWidth: 180 }}>
      <div className="row">
        <strong style={{ overflowWrap: 'anywhere', minWidth: 0 }}>{rule.name}</strong>
        {rule.severity && <SeverityMark severity={rule.severity} />}
        {isRecording(rule) && <span className="faint">{t('rules.recording')}</span>}
        {rule.form?.enabled === false && <span className="faint">{t('channels.off')}</span>}
      </div>
      <div className="mono faint">{rule.expr}</div>
      {rule.last_error && <div style={{ color: 'var(--yh-error)' }}>{rule.last_error}</div>}
    </div>
  );
  const hold = (rule: RuleStatus) => (isRecording(rule) ? NOTHING : rule.for_secs ? formatSeconds(rule.for_secs) : t('rules.at_once'));
  const health = (rule: RuleStatus) =>
    rule.health === 'unknown' ? (
      <span className="faint">{t('rules.health.unknown')}</span>
    ) : (
      <OutcomeMark ok={rule.health === 'ok'} text={t(rule.health === 'ok' ? 'rules.health.ok' : 'rules.health.err')} />
    );
  const alerts = (rule: RuleStatus) => isRecording(rule) ? NOTHING : (
    <Link className="link" to={`/alerts?rule=${encodeURIComponent(rule.name)}`}>
      {rule.firing > 0 ? t('rules.firing', { count: rule.firing }) : rule.pending > 0 ? t('rules.pending', { count: rule.pending }) : '0'}
    </Link>
  );
  const evaluated = (rule: RuleStatus) => (
    <Tooltip title={typeof rule.duration_ms === 'number' ? t('rules.took', { time: formatSeconds(rule.duration_ms / 1000) }) : undefined}>
      <span>
        <TimeText ms={rule.last_evaluation_ms} />
      </span>
    </Tooltip>
  );
  const actions = (rule: RuleStatus) => (
    <Space size={6} wrap={narrow}>
      {!isRecording(rule) && (
        <>
          <LinkButton to={whyLink(group.name, rule.id)}>{t('rules.why')}</LinkButton>
          <LinkButton to={`/rules/backtest?expr=${encodeURIComponent(rule.expr)}&for=${rule.for_secs}`}>{t('rules.backtest')}</LinkButton>
        </>
      )}
      {mayEdit && <LinkButton to={group.name === FORM_GROUP && rule.form ? formLink(rule.name) : groupLink(group.name)}>{t('common.edit')}</LinkButton>}
    </Space>
  );

  if (narrow) {
    return (
      <div>
        {group.rules.map((rule) => (
          <div key={rule.id} className="rule-card">
            {what(rule)}
            <div className="row" style={{ columnGap: 14 }}>
              {health(rule)}
              {!isRecording(rule) && (
                <>
                  {alerts(rule)}
                  <span className="faint">
                    {t('rules.for')} {hold(rule)}
                  </span>
                </>
              )}
            </div>
            {actions(rule)}
          </div>
        ))}
      </div>
    );
  }
  return (
    <Table<RuleStatus>
      size="small"
      rowKey="id"
      dataSource={group.rules}
      pagination={false}
      scroll={{ x: 'max-content' }}
      columns={[
        { key: 'name', title: t('rules.rule'), render: (_v, rule) => what(rule) },
        { key: 'for', width: 100, title: t('rules.for'), render: (_v, rule) => hold(rule) },
        { key: 'health', width: 110, title: t('rules.health.title'), render: (_v, rule) => health(rule) },
        { key: 'alerts', width: 110, title: t('menu.alerts'), render: (_v, rule) => alerts(rule) },
        { key: 'evaluated', width: 110, title: t('rules.evaluated'), render: (_v, rule) => evaluated(rule) },
        { key: 'actions', width: 190, title: '', render: (_v, rule) => actions(rule) },
      ]}
    />
  );
}

function LinkButton({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link to={to} tabIndex={-1}>
      <Button size="small">{children}</Button>
    </Link>
  );
}
