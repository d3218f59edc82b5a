import { PlusOutlined } from '@ant-design/icons';
import { Button, Tag, Tooltip } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { User, UserState } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { ROLES } from '../../components/RoleField';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { NOTHING } from '../../format/numbers';
import { AccessDialog } from './AccessDialog';
import { UserActions } from './UserActions';
import { UserDialog } from './UserDialog';

const COLOURS: Record<UserState, string> = { active: 'green', pending: 'gold', disabled: 'default', locked: 'red' };

export function UserList() {
  const { t } = useTranslation();
  const state = useListState({ sort: 'name', role: '', state: '' });
  const [edited, setEdited] = useState<User | 'new'>();
  const [looked, setLooked] = useState<User>();
  return (
    <>
      <DataTable<User>
        path="users"
        state={state}
        rowKey={({ id }) => id}
        exportName="users"
        filters={[
          { name: 'role', label: t('users.role'), options: ROLES.map((value) => ({ value, label: t(`roles.${value}`) })) },
          { name: 'state', label: t('users.state'), options: Object.keys(COLOURS).map((value) => ({ value, label: t(`users.states.${value}`) })) },
        ]}
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
              <div style={{ maxWidth: 220 }}>
                <strong>{name}</strong>
                {display_name !== name && <div className="faint">{display_name}</div>}
              </div>
            ),
          },
          { key: 'state', title: t('users.state'), sortable: true, narrow: 'title', csv: (row) => row.state, render: (row) => <StateTag user={row} /> },
          { key: 'role', title: t('users.role'), sortable: true, csv: (row) => row.role, render: (row) => t(`roles.${row.role}`) },
          { key: 'email', title: t('account.email'), csv: (row) => row.email, render: (row) => <div style={{ maxWidth: 220, overflowWrap: 'anywhere' }}>{row.email || <span className="faint">{NOTHING}</span>}</div> },
          { key: 'totp', title: t('users.totp'), csv: (row) => String(row.totp_enabled), render: (row) => (row.totp_enabled ? t('common.yes') : <span className="faint">{t('common.no')}</span>) },
          { key: 'last_sign_in_ms', title: t('users.last_sign_in'), sortable: true, render: (row) => <TimeText ms={row.last_sign_in_ms} /> },
          { key: 'created_at_ms', title: t('users.created'), sortable: true, render: (row) => <TimeText ms={row.created_at_ms} /> },
          { key: 'actions', title: '', render: (row) => <UserActions user={row} onEdit={() => setEdited(row)} onAccess={() => setLooked(row)} /> },
        ]}
      />
      {edited && <UserDialog user={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />}
      {looked && <AccessDialog user={looked} onClose={() => setLooked(undefined)} />}
    </>
  );
}

function StateTag({ user }: { user: User }) {
  const { t } = useTranslation();
  const tag = <Tag color={COLOURS[user.state]}>{t(`users.states.${user.state}`)}</Tag>;
  if (!user.locked_until_ms) return tag;
  return (
    <Tooltip title={<>{t('users.locked_until')} <TimeText ms={user.locked_until_ms} absolute /></>}>
      {tag}
    </Tooltip>
  );
}
