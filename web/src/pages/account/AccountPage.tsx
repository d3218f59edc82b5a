import { Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { PageHeader } from '../../components/PageHeader';
import { PasswordForm } from './PasswordForm';
import { ProfileForm } from './ProfileForm';
import { Sessions } from './Sessions';
import { Tokens } from './Tokens';
import { TotpPanel } from './TotpPanel';

export default function AccountPage() {
  const { t } = useTranslation();
  const [parameters, setParameters] = useSearchParams();
  return (
    <>
      <PageHeader title={t('menu.account')} />
      <Tabs
        activeKey={parameters.get('tab') ?? 'profile'}
        onChange={(tab) => setParameters({ tab })}
        destroyOnHidden
        items={[
          {
            key: 'profile',
            label: t('account.security'),
            children: (
              <div className="grid">
                <ProfileForm />
                <PasswordForm />
                <TotpPanel />
              </div>
            ),
          },
          { key: 'sessions', label: t('account.sessions'), children: <Sessions /> },
          { key: 'tokens', label: t('tokens.tab'), children: <Tokens /> },
        ]}
      />
    </>
  );
}
