import { Segmented } from 'antd';
import { useTranslation } from 'react-i18next';
import type { AlertRow } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { PageHeader } from '../../components/PageHeader';
import { useListState } from '../../components/useListState';
import { useAlertColumns } from './columns';

const STATES = ['active', 'firing', 'pending', 'acknowledged', 'resolved'] as const;

/** What burns now, and what did. */
export default function AlertsPage() {
  const { t } = useTranslation();
  const state = useListState({ state: 'active', sort: '-urgency', severity: '', server: '', rule: '' });
  const shown = state.read('state');
  const columns = useAlertColumns(shown === 'resolved');
  return (
    <>
      <PageHeader title={t('alerts.title')} hint={t('alerts.hint')} />
      <div style={{ overflowX: 'auto', marginBottom: 10 }}>
        <Segmented
          className="states"
          value={shown}
          onChange={(value) => state.change({ state: value })}
          options={STATES.map((value) => ({ value, label: t(`alerts.show.${value}`) }))}
        />
      </div>
      <DataTable<AlertRow>
        path="alerts"
        state={state}
        columns={columns}
        rowKey={({ id }) => id}
        exportName="alerts"
        refetchInterval={30_000}
        filters={[
          {
            name: 'severity',
            label: t('alerts.severity'),
            options: (['critical', 'warning', 'info'] as const).map((value) => ({ value, label: t(`severity.${value}`) })),
          },
          { name: 'server', label: t('alerts.server') },
          { name: 'rule', label: t('alerts.rule') },
        ]}
        empty={
          shown === 'resolved' ? (
            <EmptyHint title={t('alerts.no_history')} hint={t('alerts.no_history_hint')} />
          ) : (
            <EmptyHint title={t('alerts.quiet')} hint={t('alerts.quiet_hint')} />
          )
        }
      />
    </>
  );
}
