import { Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { PageHeader } from '../../components/PageHeader';
import { InvitationList } from './InvitationList';
import { RoleList } from './RoleList';
import { UserList } from './UserList';

export default function UsersPage() {
  const { t } = useTranslation();
  const [parameters, setParameters] = useSearchParams();
  return (
    <>
      <PageHeader title={t('users.title')} hint={t('users.hint')} />
      <Tabs
        activeKey={parameters.get('tab') ?? 'users'}
        onChange={(tab) => setParameters({ tab })}
        destroyOnHidden
        items={[
          { key: 'users', label: t('users.tab'), children: <UserList /> },
          { key: 'invitations', label: t('invitations.tab'), children: <InvitationList /> },
          { key: 'roles', label: t('roles.tab'), children: <RoleList /> },
        ]}
      />
    </>
  );
}
