import { MenuOutlined } from '@ant-design/icons';
import { Button, Drawer, Grid, Layout } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Outlet } from 'react-router';
import { useLiveUpdates } from '../api/events';
import { AppearanceSwitch } from './AppearanceSwitch';
import { LanguageSwitch } from './LanguageSwitch';
import { LiveIndicator } from './LiveIndicator';
import { Navigation } from './Navigation';
import { UserMenu } from './UserMenu';

/** The frame around every page: menu at the side (a drawer on a phone), bar at the top. */
export function Shell() {
  const { t } = useTranslation();
  const wide = Grid.useBreakpoint().lg;
  const [open, setOpen] = useState(false);
  const live = useLiveUpdates(true);
  const brand = (
    <Link to="/overview" className="brand">
      <img src="/yunhai.svg" alt="" />
      {t('shell.brand')}
    </Link>
  );

  return (
    <Layout style={{ minHeight: '100vh' }} hasSider>
      <button type="button" className="skip" onClick={() => document.getElementById('content')?.focus()}>
        {t('shell.skip')}
      </button>
      {wide && (
        <Layout.Sider width={196} className="shell-sider" theme="light">
          <div style={{ padding: '12px 18px' }}>{brand}</div>
          <Navigation />
        </Layout.Sider>
      )}
      <Layout style={{ minWidth: 0 }}>
        <Layout.Header className="shell-header">
          {!wide && (
            <>
              <Button type="text" icon={<MenuOutlined />} aria-label={t('shell.menu')} onClick={() => setOpen(true)} />
              {brand}
            </>
          )}
          <span style={{ flex: 1 }} />
          <LiveIndicator state={live} />
          <LanguageSwitch />
          <AppearanceSwitch />
          <UserMenu />
        </Layout.Header>
        <Layout.Content id="content" tabIndex={-1} className="page" style={{ width: '100%', boxSizing: 'border-box' }}>
          <Outlet />
        </Layout.Content>
      </Layout>
      <Drawer open={open && !wide} onClose={() => setOpen(false)} placement="left" size={260} title={brand} styles={{ body: { padding: 0 } }}>
        <Navigation onChoose={() => setOpen(false)} />
      </Drawer>
    </Layout>
  );
}
