import { LogoutOutlined, UserOutlined } from '@ant-design/icons';
import { Button, Dropdown, Grid } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useSession, useSignOut } from '../api/session';

export function UserMenu() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { data: session } = useSession();
  const signOut = useSignOut();
  const roomy = Grid.useBreakpoint().sm;
  if (!session) return null;
  const { user } = session;
  const name = user.display_name || user.name;

  const leave = async () => {
    await signOut();
    await navigate('/login');
  };
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: [
          { key: 'who', type: 'group', label: `${user.name} · ${t(`roles.${user.role}`)}` },
          { key: 'account', icon: <UserOutlined />, label: t('menu.account'), onClick: () => void navigate('/account') },
          { type: 'divider' },
          { key: 'out', icon: <LogoutOutlined />, label: t('shell.sign_out'), onClick: () => void leave() },
        ],
      }}
    >
      <Button type="text" icon={<UserOutlined />} aria-label={`${t('shell.user_menu')}: ${name}`}>
        {roomy ? name : null}
      </Button>
    </Dropdown>
  );
}
