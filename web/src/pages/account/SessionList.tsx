import { Button, Popconfirm, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { LoginSession } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { useNotice } from '../../components/useNotice';

/** Where one is signed in; sessions that one does not know can be ended. */
export function SessionList() {
  const { t } = useTranslation();
  const notice = useNotice();
  const change = useChange();
  const state = useListState({}, 's_');
  const end = (id: string) => change.mutate({ method: 'DELETE', path: `me/sessions/${id}` }, { onError: notice.failed });
  return (
    <DataTable<LoginSession>
      path="me/sessions"
      state={state}
      searchable={false}
      rowKey={({ id }) => id}
      empty={<EmptyHint title={t('account.no_sessions')} />}
      columns={[
        {
          key: 'user_agent',
          title: t('account.browser'),
          narrow: 'title',
          render: (row) => (
            <div style={{ maxWidth: 520 }}>
              {row.user_agent} {row.current && <Tag color="green">{t('account.this_session')}</Tag>}
            </div>
          ),
        },
        { key: 'address', title: t('audit.address'), render: (row) => <span className="mono">{row.address}</span> },
        { key: 'created', title: t('account.signed_in'), render: (row) => <TimeText ms={row.created_at_ms} /> },
        { key: 'seen', title: t('account.last_seen'), render: (row) => <TimeText ms={row.last_seen_ms} /> },
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
