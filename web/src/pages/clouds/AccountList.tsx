import { PauseOutlined, CaretRightOutlined, PlusOutlined, SyncOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useChange } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { CloudAccount } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { RowActions } from '../../components/RowActions';
import { TimeText } from '../../components/TimeText';
import { useEditedRows } from '../../components/useEditedRows';
import { useListState } from '../../components/useListState';
import { useNotice } from '../../components/useNotice';
import { formatNumber, formatSeconds } from '../../format/numbers';
import { AccountDetails } from './AccountDetails';
import { AccountDialog } from './AccountDialog';
import { AccountStateMark, CostBar, providerName } from './AccountMarks';
import { toPaused } from './accountValues';
import { AskDialog } from './AskDialog';
import { cloudServersLink } from './links';
import { shortIdentity, troublesOf } from './troubles';

const REFRESH_MS = 15_000;
const ONE_LINE = { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' } as const;
const REFRESHED = ['cloud-servers', 'servers', 'overview'];

/** The accounts with clouds: how each fares, what it found, and what it costs. */
export function AccountList() {
  const { t } = useTranslation();
  const mayEdit = useMay('clouds:write');
  const notice = useNotice();
  const state = useListState({ sort: 'name' }, 'a_');
  const rows = useEditedRows<CloudAccount>('cloud-accounts', REFRESHED, t('common.done'));
  const pausing = useChange(REFRESHED);
  const [asked, setAsked] = useState<CloudAccount>();
  const pause = (account: CloudAccount) =>
    pausing.mutate({ method: 'PUT', path: `cloud-accounts/${account.id}`, version: account.version, body: toPaused(account) }, { onError: notice.failed });
  const add = mayEdit && (
    <Button type="primary" icon={<PlusOutlined />} onClick={rows.make}>
      {t('clouds.new')}
    </Button>
  );
  return (
    <>
      <DataTable<CloudAccount>
        path="cloud-accounts"
        state={state}
        rowKey={({ id }) => id}
        exportName="cloud-accounts"
        searchLabel={t('clouds.search')}
        refetchInterval={REFRESH_MS}
        toolbar={add}
        expand={(account) => <AccountDetails account={account} />}
        expanded={(account) => troublesOf(account).length > 0 && account.enabled}
        empty={
          state.read('q') ? (
            <EmptyHint title={t('clouds.none_found')} />
          ) : (
            <EmptyHint title={t('clouds.empty')} hint={t(mayEdit ? 'clouds.empty_hint' : 'clouds.empty_hint_viewer')} action={add} />
          )
        }
        columns={[
          { key: 'name', title: t('clouds.name'), sortable: true, narrow: 'title', csv: ({ name }) => name, render: ({ name }) => <strong style={{ overflowWrap: 'anywhere' }}>{name}</strong> },
          { key: 'provider', title: t('clouds.provider'), sortable: true, csv: ({ provider }) => provider, render: ({ provider }) => providerName(provider) },
          { key: 'state', title: t('clouds.state.title'), sortable: true, narrow: 'title', csv: (row) => row.state, render: (account) => <AccountStateMark account={account} /> },
          {
            key: 'account',
            title: t('clouds.account'),
            csv: (row) => row.account,
            render: (row) =>
              row.account && (
                <div style={{ maxWidth: 190, overflowWrap: 'anywhere' }}>
                  <span className="num" style={{ whiteSpace: 'normal' }}>{row.account}</span>
                  {row.identity && <div className="faint mono" title={row.identity} style={ONE_LINE}>{shortIdentity(row.identity)}</div>}
                </div>
              ),
          },
          {
            key: 'servers',
            title: t('clouds.servers'),
            align: 'right',
            csv: (row) => row.last_round?.servers,
            render: (row) =>
              row.last_round && (
                <Link className="link num" to={cloudServersLink({ account: row.name })}>
                  {formatNumber(row.last_round.servers)}
                </Link>
              ),
          },
          { key: 'samples', title: t('clouds.samples'), align: 'right', csv: (row) => row.last_round?.samples, render: (row) => row.last_round && <span className="num">{formatNumber(row.last_round.samples)}</span> },
          { key: 'month_cost_usd', title: t('clouds.cost'), sortable: true, csv: (row) => row.month_cost_usd, render: (account) => <CostBar account={account} /> },
          { key: 'monthly_budget_usd', title: t('clouds.budget'), hidden: true, csv: (row) => row.monthly_budget_usd, render: () => null },
          {
            key: 'last_round',
            title: t('clouds.last_round'),
            csv: (row) => (row.last_round ? new Date(row.last_round.at_ms).toISOString() : ''),
            render: (row) =>
              row.last_round && (
                <span className="pair">
                  <TimeText ms={row.last_round.at_ms} />
                  <span className="faint num">{t('clouds.every', { time: formatSeconds(row.interval_secs) })}</span>
                </span>
              ),
          },
          {
            key: 'actions',
            title: '',
            fixed: 'right',
            render: (account) =>
              mayEdit ? (
                <RowActions onEdit={() => rows.edit(account)} onRemove={() => rows.remove(account)} question={t('clouds.delete_confirm', { name: account.name })}>
                  <Button size="small" icon={<SyncOutlined />} title={t('clouds.ask')} aria-label={t('clouds.ask')} onClick={() => setAsked(account)} />
                  <Button
                    size="small"
                    icon={account.enabled ? <PauseOutlined /> : <CaretRightOutlined />}
                    title={t(account.enabled ? 'clouds.pause' : 'clouds.resume')}
                    aria-label={t(account.enabled ? 'clouds.pause' : 'clouds.resume')}
                    disabled={pausing.isPending}
                    onClick={() => pause(account)}
                  />
                </RowActions>
              ) : null,
          },
        ]}
      />
      {rows.isOpen && <AccountDialog account={rows.row} onClose={rows.close} />}
      {asked && <AskDialog account={asked} onClose={() => setAsked(undefined)} />}
    </>
  );
}
