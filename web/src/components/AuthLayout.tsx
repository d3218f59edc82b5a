import { Card } from 'antd';
import { type ReactNode, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { AppearanceSwitch } from '../app/AppearanceSwitch';
import { LanguageSwitch } from '../app/LanguageSwitch';

/** The frame of set-up, login and registration. */
export function AuthLayout({ title, hint, children }: { title: string; hint?: ReactNode; children: ReactNode }) {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = `${title} · ${t('shell.brand')}`;
  }, [title, t]);
  return (
    <main className="auth">
      <div className="auth-card stack">
        <div className="row-between">
          <span className="brand">
            <img src="/yunhai.svg" alt="" />
            {t('shell.brand')}
          </span>
          <span>
            <LanguageSwitch />
            <AppearanceSwitch />
          </span>
        </div>
        <Card styles={{ body: { padding: 22 } }}>
          <h1 style={{ fontSize: 18, margin: '0 0 4px' }}>{title}</h1>
          {hint && <p className="faint" style={{ margin: '0 0 16px' }}>{hint}</p>}
          {children}
        </Card>
      </div>
    </main>
  );
}
