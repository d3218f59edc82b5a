import { Button, Popconfirm, Tag, Tooltip } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../api/hooks';
import type { LoginSession } from '../api/types';
import { describeUserAgent } from '../format/userAgent';
import { DataTable } from './DataTable';
import { EmptyHint } from './EmptyHint';
import { TimeText } from './TimeText';
import { useListState } from './useListState';
import { useNotice } from './useNotice';

/** Where somebody is signed in; sessions that nobody knows can be ended. */
export function SessionTable({ path, toolbar }: { path: string; toolbar?: ReactNode }) {
  const { t } = useTranslation();
  const notice = useNotice();
  const change = useChange();
  const state = useListState({ sort: '-last_seen_ms' }, 's_');
  const end = (id: string) => change.mutate({ method: 'DELETE', path: `${path}/${id}` }, { onError: notice.failed });
  return (
    <DataTable<LoginSession>
      path={path}
      state={state}
      searchable={false}
      toolbar={toolbar}
      rowKey={({ id }) => id}
      empty={<EmptyHint title={t('account.no_sessions')} />}
      columns={[
        {
          key: 'user_agent',
          title: t('account.browser'),
          narrow: 'title',
          render: (row) => (
            <span className="row">
              <Tooltip title={row.user_agent}>
                <strong>{describeUserAgent(row.user_agent) || t('account.unknown_browser')}</strong>
              </Tooltip>
              {row.current && <Tag color="green">{t('account.this_session')}</Tag>}
            </span>
          ),
        },
        { key: 'address', title: t('audit.address'), sortable: true, render: (row) => <span className="mono">{row.address}</span> },
        { key: 'created_at_ms', title: t('account.signed_in'), sortable: true, render: (row) => <TimeText ms={row.created_at_ms} /> },
        { key: 'last_seen_ms', title: t('account.last_seen'), sortable: true, render: (row) => <TimeText ms={row.last_seen_ms} /> },
        { key: 'expires', title: t('invitations.expires'), render: (row) => <TimeText ms={row.expires_at_ms} /> },
        {
          key: 'actions',
          title: '',
          render: (row) =>
            row.current ? null : (
              <Popconfirm title={t('account.end_session_confirm')} okText={t('account.end_session')} onConfirm={() => end(row.id)}>
                <Button size="small">{t('account.end_session')}</Button>
              </Popconfirm>
            ),
        },
      ]}
    />
  );
}
