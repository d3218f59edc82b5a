import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App as AntApp, ConfigProvider } from 'antd';
import type { Locale } from 'antd/es/locale';
import { useEffect, useState } from 'react';
import { RouterProvider } from 'react-router/dom';
import { ApiError, handleSignedOut } from '../api/client';
import { endSession, followOtherTabs } from '../api/session';
import { ReauthenticationDialog } from '../components/ReauthenticationDialog';
import { loadLanguage } from './i18n';
import { useDark, usePreferences, useStill } from './preferences';
import { router } from './router';
import { faintText, themeFor } from './theme';

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // Only what may pass by itself is tried again.
      retry: (count, error) => count < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 502),
    },
  },
});

handleSignedOut(() => endSession(client));
followOtherTabs(client);

export function App() {
  const { language } = usePreferences();
  const dark = useDark();
  const [locale, setLocale] = useState<Locale>();

  useEffect(() => {
    let current = true;
    void loadLanguage(language).then((loaded) => current && setLocale(loaded));
    return () => {
      current = false;
    };
  }, [language]);

  const theme = themeFor(dark, useStill());
  useEffect(() => {
    document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
    document.body.style.background = String(theme.token?.colorBgLayout);
    // On the root, for dialogs and menus stand beside the interface, not in it.
    for (const [name, colour] of Object.entries(cssVariables(dark))) document.documentElement.style.setProperty(name, colour);
  }, [dark, theme.token?.colorBgLayout]);

  if (!locale) return null;
  return (
    <ConfigProvider locale={locale} theme={theme} componentSize="medium" button={{ autoInsertSpace: false }}>
      <AntApp component="div" style={{ minHeight: '100%' }} message={{ maxCount: 3 }}>
        <QueryClientProvider client={client}>
          <RouterProvider router={router} />
          <ReauthenticationDialog />
        </QueryClientProvider>
      </AntApp>
    </ConfigProvider>
  );
}

/** Colours that the style sheet shares with the theme. */
function cssVariables(dark: boolean): Record<string, string> {
  const { colorPrimary = '', colorError = '', colorBorderSecondary = '', colorBgContainer = '' } = themeFor(dark).token ?? {};
  return {
    '--yh-primary': colorPrimary,
    '--yh-faint': faintText(dark),
    '--yh-error': colorError,
    // Of tags, which are too light on paper as they come.
    '--yh-green': dark ? '#6abe39' : '#237804',
    '--yh-gold': dark ? '#e8b339' : '#8a5300',
    '--yh-border': colorBorderSecondary,
    '--yh-border-strong': dark ? '#3a4652' : '#c9d1d9',
    '--yh-surface': colorBgContainer,
    '--yh-track': dark ? '#232c36' : '#edf1f4',
  };
}
