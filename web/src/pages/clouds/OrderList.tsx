import { useTranslation } from 'react-i18next';
import { useList } from '../../api/hooks';
import type { CloudAccount, CloudOrder } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { providerName } from './AccountMarks';
import { OrderDetails, OrderProgress, OrderStateMark } from './OrderMarks';

const REFRESH_MS = 5_000;
const timeOf = (ms: number | null | undefined) => (ms ? new Date(ms).toISOString() : '');

/** What was ordered from clouds, how far it is and how it ended. */
export function OrderList() {
  const { t } = useTranslation();
  const state = useListState({ sort: '-placed_at_ms', open: '', account: '' }, 'o_');
  const accounts = useList<CloudAccount>('cloud-accounts', { page_size: 500, sort: 'name' });
  const isFiltered = ['q', 'open', 'account'].some((name) => state.read(name));
  return (
    <DataTable<CloudOrder>
      path="cloud-orders"
      state={state}
      rowKey={({ id }) => id}
      exportName="cloud-orders"
      searchLabel={t('cloud_orders.search')}
      refetchInterval={REFRESH_MS}
      filters={[
        { name: 'open', label: t('cloud_orders.open'), options: [{ value: 'true', label: t('cloud_orders.only_open') }, { value: 'false', label: t('cloud_orders.only_ended') }] },
        { name: 'account', label: t('cloud_orders.account'), options: (accounts.data?.items ?? []).map(({ name }) => ({ value: name, label: name })) },
      ]}
      expand={(order) => <OrderDetails order={order} />}
      expanded={({ problem }) => Boolean(problem)}
      empty={isFiltered ? <EmptyHint title={t('cloud_orders.none_found')} /> : <EmptyHint title={t('cloud_orders.empty')} hint={t('cloud_orders.empty_hint')} />}
      columns={[
        { key: 'server', title: t('cloud_orders.server'), narrow: 'title', csv: ({ server }) => server, render: ({ action, server }) => <span style={{ overflowWrap: 'anywhere' }}><span className="faint">{t(`cloud_orders.action.${action}`)}</span> <strong>{server}</strong></span> },
        { key: 'action', title: t('cloud_orders.action_title'), hidden: true, csv: ({ action }) => action, render: () => null },
        { key: 'state', title: t('cloud_orders.state_title'), narrow: 'title', csv: (order) => order.state, render: (order) => <OrderStateMark order={order} /> },
        { key: 'progress', title: t('cloud_orders.progress'), csv: ({ done, total }) => `${done}/${total}`, render: (order) => <OrderProgress order={order} /> },
        {
          key: 'account',
          title: t('cloud_orders.account'),
          csv: ({ account }) => account,
          render: ({ account, provider }) => (
            <span className="pair">
              <span>{account}</span>
              <span className="faint">{providerName(provider)}</span>
            </span>
          ),
        },
        { key: 'region', title: t('cloud_orders.region'), csv: ({ region }) => region, render: ({ region }) => <span className="num">{region}</span> },
        { key: 'ordered_by', title: t('cloud_orders.by'), csv: (order) => order.ordered_by, render: (order) => order.ordered_by },
        { key: 'placed_at_ms', title: t('cloud_orders.placed'), sortable: true, csv: (order) => timeOf(order.placed_at_ms), render: (order) => <TimeText ms={order.placed_at_ms} /> },
        { key: 'ended_at_ms', title: t('cloud_orders.ended'), csv: (order) => timeOf(order.ended_at_ms), render: (order) => order.ended_at_ms && <TimeText ms={order.ended_at_ms} /> },
      ]}
    />
  );
}
