import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useResource } from '../../api/hooks';
import type { AlertState, RuleGroup, RuleReason } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { Labels } from '../../components/Labels';
import { PageHeader } from '../../components/PageHeader';
import { Reason } from '../../components/Reason';
import { AlertStateMark } from '../../components/StateMarks';
import { useListState } from '../../components/useListState';
import { groupLink } from '../../format/links';
import { formatValue, unitOfExpression } from '../../format/numbers';

const STATES = ['firing', 'acknowledged', 'pending', 'inactive'] as const;

/** Why a rule fires or does not: its last evaluation, series by series. */
export default function WhyPage() {
  const { t } = useTranslation();
  const { group = '', rule = '' } = useParams();
  const state = useListState({ sort: '', state: '' });
  const rules = useResource<RuleGroup>(`rule-groups/${encodeURIComponent(group)}`);
  const expr = rules.data?.rules.find(({ id }) => id === rule)?.expr ?? '';
  const unit = unitOfExpression(expr);
  const stateText = (name: string) => (name === 'inactive' ? t('why.inactive') : t(`alert_state.${name}`));
  return (
    <>
      <PageHeader
        title={t('why.title', { rule })}
        hint={
          <>
            <Link className="link" to={groupLink(group)}>
              {group}
            </Link>{' '}
            · {t('why.hint')}
          </>
        }
      />
      {expr && <p className="mono faint" style={{ marginTop: 0 }}>{expr}</p>}
      <DataTable<RuleReason>
        path={`rules/${encodeURIComponent(group)}/${encodeURIComponent(rule)}/why`}
        state={state}
        rowKey={({ labels }) => JSON.stringify(labels)}
        exportName={`why-${rule}`}
        refetchInterval={30_000}
        filters={[{ name: 'state', label: t('alerts.state'), options: STATES.map((value) => ({ value, label: stateText(value) })) }]}
        empty={<EmptyHint title={t('why.empty')} hint={t('why.empty_hint')} />}
        columns={[
          {
            key: 'state',
            title: t('alerts.state'),
            sortable: true,
            narrow: 'title',
            width: 130,
            csv: (row) => row.state,
            render: (row) => (row.state === 'inactive' ? <span className="faint">{t('why.inactive')}</span> : <AlertStateMark state={row.state as AlertState} />),
          },
          { key: 'value', title: t('alerts.value'), sortable: true, align: 'right', width: 110, csv: (row) => row.value, render: (row) => <span className="num">{formatValue(row.value, unit)}</span> },
          { key: 'reason', title: t('why.reason'), csv: (row) => row.reason, render: (row) => <div style={{ maxWidth: 480, minWidth: 180 }}><Reason text={row.reason} unit={unit} /></div> },
          { key: 'labels', title: t('alerts.labels'), sortable: true, csv: (row) => JSON.stringify(row.labels), render: (row) => <div style={{ maxWidth: 420 }}><Labels labels={row.labels} without={['__name__', 'alertname']} /></div> },
        ]}
      />
    </>
  );
}
