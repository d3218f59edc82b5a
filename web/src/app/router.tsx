// Every page is its own bundle, loaded when it is first opened.
import type { ComponentType } from 'react';
import { createBrowserRouter, Navigate, type RouteObject } from 'react-router';
import type { Permission } from '../api/session';
import { allowing } from '../components/NotAllowed';
import { NotFound } from '../components/NotFound';
import { RouteError } from '../components/RouteError';
import { SignedIn } from './SignedIn';

type Loader = () => Promise<{ default: ComponentType }>;

function page(path: string, load: Loader, permission?: Permission): RouteObject {
  const component = async () => {
    const found = (await load()).default;
    return permission ? allowing(permission, found) : found;
  };
  return { path, lazy: async () => ({ Component: await component() }) };
}

export const router = createBrowserRouter([
  {
    errorElement: <RouteError />,
    hydrateFallbackElement: <div />,
    children: [
      page('/setup', () => import('../pages/setup/SetupPage')),
      page('/login', () => import('../pages/login/LoginPage')),
      page('/register', () => import('../pages/register/RegisterPage')),
      {
        element: <SignedIn />,
        children: [
          {
            errorElement: <RouteError />,
            children: [
              { index: true, element: <Navigate to="/overview" replace /> },
              page('/overview', () => import('../pages/overview/OverviewPage')),
              page('/servers', () => import('../pages/servers/ServersPage')),
              page('/servers/:name', () => import('../pages/server/ServerPage')),
              page('/agents', () => import('../pages/agents/AgentsPage')),
              page('/clouds', () => import('../pages/clouds/CloudsPage')),
              page('/probes', () => import('../pages/probes/ProbesPage')),
              page('/probes/:id', () => import('../pages/probes/ProbePage')),
              page('/explore', () => import('../pages/explore/ExplorePage')),
              page('/alerts', () => import('../pages/alerts/AlertsPage')),
              page('/alerts/:id', () => import('../pages/alert/AlertPage')),
              page('/rules', () => import('../pages/rules/RulesPage')),
              page('/rules/new', () => import('../pages/rules/RuleFormPage'), 'rules:write'),
              page('/rules/backtest', () => import('../pages/rules/BacktestPage')),
              page('/rules/groups/:group', () => import('../pages/rules/GroupPage')),
              page('/rules/:group/:rule/why', () => import('../pages/rules/WhyPage')),
              page('/silences', () => import('../pages/silences/SilencesPage')),
              page('/channels', () => import('../pages/channels/ChannelsPage')),
              page('/users', () => import('../pages/users/UsersPage'), 'users:manage'),
              page('/audit', () => import('../pages/audit/AuditPage'), 'audit:read'),
              page('/settings', () => import('../pages/settings/SettingsPage')),
              page('/account', () => import('../pages/account/AccountPage')),
              { path: '*', element: <NotFound /> },
            ],
          },
        ],
      },
    ],
  },
]);
