import { PlusOutlined } from '@ant-design/icons';
import { Button, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { User, UserState } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { UserActions } from './UserActions';
import { UserDialog } from './UserDialog';

const COLOURS: Record<UserState, string> = { active: 'green', pending: 'gold', disabled: 'default', locked: 'red' };

export function UserList() {
  const { t } = useTranslation();
  const state = useListState({ sort: 'name' });
  const [edited, setEdited] = useState<User | 'new'>();
  return (
    <>
      <DataTable<User>
        path="users"
        state={state}
        rowKey={({ id }) => id}
        exportName="users"
        toolbar={
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setEdited('new')}>
            {t('users.new')}
          </Button>
        }
        empty={<EmptyHint title={t('users.empty')} />}
        columns={[
          {
            key: 'name',
            title: t('login.name'),
            sortable: true,
            narrow: 'title',
            csv: ({ name }) => name,
            render: ({ name, display_name }) => (
              <>
                <strong>{name}</strong> {display_name !== name && <span className="faint">{display_name}</span>}
              </>
            ),
          },
          { key: 'state', title: t('users.state'), narrow: 'title', csv: (row) => row.state, render: (row) => <Tag color={COLOURS[row.state]}>{t(`users.states.${row.state}`)}</Tag> },
          { key: 'role', title: t('users.role'), sortable: true, csv: (row) => row.role, render: (row) => t(`roles.${row.role}`) },
          { key: 'email', title: t('account.email'), csv: (row) => row.email, render: (row) => row.email },
          { key: 'totp', title: t('users.totp'), csv: (row) => String(row.totp_enabled), render: (row) => (row.totp_enabled ? t('common.yes') : <span className="faint">{t('common.no')}</span>) },
          { key: 'last_sign_in_ms', title: t('users.last_sign_in'), sortable: true, render: (row) => <TimeText ms={row.last_sign_in_ms} /> },
          { key: 'created_at_ms', title: t('users.created'), sortable: true, render: (row) => <TimeText ms={row.created_at_ms} /> },
          { key: 'actions', title: '', render: (row) => <UserActions user={row} onEdit={() => setEdited(row)} /> },
        ]}
      />
      {edited && <UserDialog user={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />}
    </>
  );
}
