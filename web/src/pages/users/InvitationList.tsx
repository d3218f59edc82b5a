import { PlusOutlined } from '@ant-design/icons';
import { Alert, Button, Popconfirm, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useChange, useResource } from '../../api/hooks';
import type { Invitation, InvitationState, RegistrationMode } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { useNotice } from '../../components/useNotice';
import { NOTHING } from '../../format/numbers';
import { InvitationDialog } from './InvitationDialog';

const COLOURS: Record<InvitationState, string> = { open: 'green', used: 'default', expired: 'default' };
const STATES = Object.keys(COLOURS) as InvitationState[];

export function InvitationList() {
  const { t } = useTranslation();
  const notice = useNotice();
  const change = useChange();
  const registration = useResource<{ mode: RegistrationMode }>('registration');
  const [making, setMaking] = useState(false);
  const state = useListState({ sort: '-created_at_ms', state: '' }, 'i_');
  const remove = (id: string) => change.mutate({ method: 'DELETE', path: `invitations/${id}` }, { onError: notice.failed });
  return (
    <>
      {registration.data?.mode === 'closed' && (
        <Alert
          type="info"
          showIcon
          style={{ marginBottom: 12 }}
          title={t('invitations.closed')}
          action={
            <Link className="link" to="/settings">
              {t('menu.settings')}
            </Link>
          }
        />
      )}
      <DataTable<Invitation>
        path="invitations"
        state={state}
        searchable={false}
        filters={[{ name: 'state', label: t('users.state'), options: STATES.map((value) => ({ value, label: t(`invitations.states.${value}`) })) }]}
        rowKey={({ id }) => id}
        toolbar={
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setMaking(true)}>
            {t('invitations.new')}
          </Button>
        }
        empty={<EmptyHint title={t('invitations.empty')} hint={t('invitations.empty_hint')} />}
        columns={[
          { key: 'role', title: t('users.role'), sortable: true, narrow: 'title', render: ({ role }) => t(`roles.${role}`) },
          { key: 'state', title: t('users.state'), narrow: 'title', render: ({ state: now }) => <Tag color={COLOURS[now]}>{t(`invitations.states.${now}`)}</Tag> },
          { key: 'email', title: t('invitations.email'), sortable: true, render: ({ email }) => email || <span className="faint">{NOTHING}</span> },
          { key: 'created_by', title: t('invitations.by'), render: (row) => row.created_by },
          { key: 'created_at_ms', title: t('users.created'), sortable: true, render: (row) => <TimeText ms={row.created_at_ms} /> },
          { key: 'expires_at_ms', title: t('invitations.expires'), sortable: true, render: (row) => <TimeText ms={row.expires_at_ms} /> },
          {
            key: 'used_by',
            title: t('invitations.used_by'),
            render: (row) => (row.used_by ? <>{row.used_by} · <TimeText ms={row.used_at_ms} /></> : <span className="faint">{t('invitations.unused')}</span>),
          },
          {
            key: 'actions',
            title: '',
            render: (row) =>
              row.state === 'used' ? null : (
                <Popconfirm title={t('invitations.delete_confirm')} okText={t('invitations.withdraw')} onConfirm={() => remove(row.id)}>
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
