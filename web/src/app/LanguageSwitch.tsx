import { GlobalOutlined } from '@ant-design/icons';
import { Button, Dropdown } from 'antd';
import { useTranslation } from 'react-i18next';
import { request } from '../api/client';
import { useSession } from '../api/session';
import type { Language } from '../api/types';
import { setPreferences, usePreferences } from './preferences';

const NAMES: Record<Language, string> = { 'zh-CN': '简体中文', en: 'English' };

export function LanguageSwitch() {
  const { t } = useTranslation();
  const { language } = usePreferences();
  const { data: session } = useSession();

  const choose = (chosen: Language) => {
    setPreferences({ language: chosen });
    // The profile only decides in what language mails are written: a failure must not disturb.
    if (session) void request('PATCH', 'me', { body: { language: chosen } }).catch(() => undefined);
  };
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        selectedKeys: [language],
        items: (Object.keys(NAMES) as Language[]).map((key) => ({ key, label: NAMES[key], onClick: () => choose(key) })),
      }}
    >
      <Button type="text" icon={<GlobalOutlined />} aria-label={t('shell.language')} title={t('shell.language')} />
    </Dropdown>
  );
}
