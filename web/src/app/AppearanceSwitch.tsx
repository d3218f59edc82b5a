import { DesktopOutlined, MoonOutlined, SunOutlined } from '@ant-design/icons';
import { Button, Dropdown } from 'antd';
import { useTranslation } from 'react-i18next';
import { setPreferences, usePreferences } from './preferences';

export function AppearanceSwitch() {
  const { t } = useTranslation();
  const { appearance } = usePreferences();
  const icons = { light: <SunOutlined />, dark: <MoonOutlined />, system: <DesktopOutlined /> };
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        selectedKeys: [appearance],
        items: (['light', 'dark', 'system'] as const).map((key) => ({
          key,
          icon: icons[key],
          label: t(`shell.appearance.${key}`),
          onClick: () => setPreferences({ appearance: key }),
        })),
      }}
    >
      <Button type="text" icon={icons[appearance]} aria-label={t('shell.appearance.label')} title={t('shell.appearance.label')} />
    </Dropdown>
  );
}
