import { PlusOutlined } from '@ant-design/icons';
import { Button, Popconfirm } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { Invitation } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { useNotice } from '../../components/useNotice';
import { InvitationDialog } from './InvitationDialog';

export function InvitationList() {
  const { t } = useTranslation();
  const notice = useNotice();
  const change = useChange();
  const [making, setMaking] = useState(false);
  const state = useListState({ sort: '-created_at_ms' }, 'i_');
  const remove = (id: string) => change.mutate({ method: 'DELETE', path: `invitations/${id}` }, { onError: notice.failed });
  return (
    <>
      <DataTable<Invitation>
        path="invitations"
        state={state}
        searchable={false}
        rowKey={({ id }) => id}
        toolbar={
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setMaking(true)}>
            {t('invitations.new')}
          </Button>
        }
        empty={<EmptyHint title={t('invitations.empty')} hint={t('invitations.empty_hint')} />}
        columns={[
          { key: 'role', title: t('users.role'), narrow: 'title', render: ({ role }) => t(`roles.${role}`) },
          { key: 'created_by', title: t('invitations.by'), render: (row) => row.created_by },
          { key: 'created_at_ms', title: t('users.created'), sortable: true, render: (row) => <TimeText ms={row.created_at_ms} /> },
          { key: 'expires_at_ms', title: t('invitations.expires'), render: (row) => <TimeText ms={row.expires_at_ms} /> },
          { key: 'used_by', title: t('invitations.used_by'), render: (row) => row.used_by ?? <span className="faint">{t('invitations.unused')}</span> },
          {
            key: 'actions',
            title: '',
            render: (row) =>
              row.used_by ? null : (
                <Popconfirm title={t('invitations.delete_confirm')} okText={t('common.delete')} onConfirm={() => remove(row.id)}>
                  <Button size="small">{t('invitations.withdraw')}</Button>
                </Popconfirm>
              ),
          },
        ]}
      />
      {making && <InvitationDialog onClose={() => setMaking(false)} />}
    </>
  );
}
