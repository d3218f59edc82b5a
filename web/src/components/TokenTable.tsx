import { Button, Popconfirm, Tag } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../api/hooks';
import type { ApiToken } from '../api/types';
import { DataTable } from './DataTable';
import { EmptyHint } from './EmptyHint';
import { TimeText } from './TimeText';
import { useListState } from './useListState';
import { useNotice } from './useNotice';

/** The API tokens of somebody; what was lost or is no longer needed can be revoked. */
export function TokenTable({ path, toolbar, hint }: { path: string; toolbar?: ReactNode; hint?: string }) {
  const { t } = useTranslation();
  const notice = useNotice();
  const change = useChange();
  const state = useListState({ sort: '-created_at_ms' }, 't_');
  const remove = (id: string) => change.mutate({ method: 'DELETE', path: `${path}/${id}` }, { onError: notice.failed });
  return (
    <DataTable<ApiToken>
      path={path}
      state={state}
      rowKey={({ id }) => id}
      searchable={false}
      toolbar={toolbar}
      empty={<EmptyHint title={t('tokens.empty')} hint={hint} />}
      columns={[
        { key: 'name', title: t('tokens.name'), sortable: true, narrow: 'title', render: ({ name }) => <strong>{name}</strong> },
        {
          key: 'scopes',
          title: t('tokens.scopes'),
          render: ({ scopes }) => (
            <span className="labels" style={{ maxWidth: 360 }}>
              {scopes.map((scope) => (
                <span key={scope} className="label mono">
                  {scope}
                </span>
              ))}
            </span>
          ),
        },
        { key: 'created_at_ms', title: t('users.created'), sortable: true, render: (row) => <TimeText ms={row.created_at_ms} /> },
        {
          key: 'last_used_ms',
          title: t('channels.last_used'),
          sortable: true,
          render: (row) => (
            <>
              <TimeText ms={row.last_used_ms} /> {row.last_used_address && <span className="mono faint">{row.last_used_address}</span>}
            </>
          ),
        },
        { key: 'expires_at_ms', title: t('invitations.expires'), sortable: true, render: (row) => <Expiry ms={row.expires_at_ms} /> },
        {
          key: 'actions',
          title: '',
          render: (row) => (
            <Popconfirm title={t('tokens.revoke_confirm')} okText={t('tokens.revoke')} onConfirm={() => remove(row.id)}>
              <Button size="small">{t('tokens.revoke')}</Button>
            </Popconfirm>
          ),
        },
      ]}
    />
  );
}

function Expiry({ ms }: { ms: number | null | undefined }) {
  const { t } = useTranslation();
  if (!ms) return t('tokens.never');
  return ms < Date.now() ? <Tag>{t('invitations.states.expired')}</Tag> : <TimeText ms={ms} />;
}
