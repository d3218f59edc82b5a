import { PlusOutlined } from '@ant-design/icons';
import { Button, Popconfirm } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { ApiToken } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { useNotice } from '../../components/useNotice';
import { TokenDialog } from './TokenDialog';

export function TokenList() {
  const { t } = useTranslation();
  const notice = useNotice();
  const change = useChange();
  const [making, setMaking] = useState(false);
  const state = useListState({ sort: '-created_at_ms' }, 't_');
  const remove = (id: string) => change.mutate({ method: 'DELETE', path: `tokens/${id}` }, { onError: notice.failed });
  return (
    <>
      <DataTable<ApiToken>
        path="tokens"
        state={state}
        rowKey={({ id }) => id}
        toolbar={
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setMaking(true)}>
            {t('tokens.new')}
          </Button>
        }
        empty={<EmptyHint title={t('tokens.empty')} hint={t('tokens.empty_hint')} />}
        columns={[
          { key: 'name', title: t('tokens.name'), sortable: true, narrow: 'title', render: ({ name }) => <strong>{name}</strong> },
          { key: 'user', title: t('tokens.user'), render: ({ user }) => user },
          { key: 'scopes', title: t('tokens.scopes'), render: ({ scopes }) => <span className="labels" style={{ maxWidth: 360 }}>{scopes.map((scope) => <span key={scope} className="label mono">{scope}</span>)}</span> },
          { key: 'created_at_ms', title: t('users.created'), sortable: true, render: (row) => <TimeText ms={row.created_at_ms} /> },
          { key: 'last_used_ms', title: t('channels.last_used'), render: (row) => <TimeText ms={row.last_used_ms} /> },
          { key: 'expires_at_ms', title: t('invitations.expires'), render: (row) => (row.expires_at_ms ? <TimeText ms={row.expires_at_ms} /> : t('tokens.never')) },
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
      {making && <TokenDialog onClose={() => setMaking(false)} />}
    </>
  );
}
