import {
  AlertOutlined,
  ApiOutlined,
  AuditOutlined,
  BellOutlined,
  CloudOutlined,
  ClusterOutlined,
  DashboardOutlined,
  DeploymentUnitOutlined,
  FileSearchOutlined,
  LineChartOutlined,
  PauseCircleOutlined,
  SettingOutlined,
  TeamOutlined,
} from '@ant-design/icons';
import { Badge, Menu } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'react-router';
import { useResource } from '../api/hooks';
import { useMay } from '../api/session';
import type { Overview } from '../api/types';

export function Navigation({ onChoose }: { onChoose?: () => void }) {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const overview = useResource<Overview>('overview', undefined, { refetchInterval: 60_000 });
  const mayUsers = useMay('users:manage');
  const mayAudit = useMay('audit:read');
  const alerts = overview.data?.alerts;
  const burning = alerts ? alerts.critical + alerts.warning : 0;

  const entry = (path: string, icon: ReactNode, text: string, count = 0) => ({
    key: path,
    icon,
    label: (
      <Link to={path} onClick={onChoose} style={{ display: 'flex', justifyContent: 'space-between', alignItems: 'center' }}>
        {text}
        {count > 0 && <Badge count={count} size="small" color={alerts?.critical ? undefined : 'gold'} />}
      </Link>
    ),
  });
  const group = (label: string, children: ReturnType<typeof entry>[]) => ({ key: label, type: 'group' as const, label, children });

  const items = [
    entry('/overview', <DashboardOutlined />, t('menu.overview')),
    entry('/servers', <ClusterOutlined />, t('menu.servers')),
    entry('/agents', <DeploymentUnitOutlined />, t('menu.agents')),
    entry('/clouds', <CloudOutlined />, t('menu.clouds')),
    entry('/probes', <ApiOutlined />, t('menu.probes')),
    entry('/explore', <LineChartOutlined />, t('menu.explore')),
    group(t('menu.alerting'), [
      entry('/alerts', <AlertOutlined />, t('menu.alerts'), burning),
      entry('/rules', <FileSearchOutlined />, t('menu.rules')),
      entry('/silences', <PauseCircleOutlined />, t('menu.silences')),
      entry('/channels', <BellOutlined />, t('menu.channels')),
    ]),
    group(t('menu.administration'), [
      ...(mayUsers ? [entry('/users', <TeamOutlined />, t('menu.users'))] : []),
      ...(mayAudit ? [entry('/audit', <AuditOutlined />, t('menu.audit'))] : []),
      entry('/settings', <SettingOutlined />, t('menu.settings')),
    ]),
  ];
  return <Menu mode="inline" items={items} selectedKeys={[`/${pathname.split('/')[1]}`]} style={{ borderInlineEnd: 0 }} />;
}
