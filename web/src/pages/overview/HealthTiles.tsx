import { Card, theme } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Overview } from '../../api/types';

function Tile({ to, name, value, colour, detail }: { to: string; name: string; value: number; colour?: string; detail?: ReactNode }) {
  return (
    <Link to={to} style={{ textDecoration: 'none' }}>
      <Card size="small" hoverable styles={{ body: { padding: '10px 14px' } }} style={{ height: '100%' }}>
        <div className="faint">{name}</div>
        <div className="tile-value" style={{ color: value > 0 ? colour : undefined }}>
          {value}
        </div>
        <div className="faint" style={{ fontSize: 12, minHeight: 18 }}>{detail}</div>
      </Card>
    </Link>
  );
}

/** Servers and alerts in numbers; each number leads to its list. */
export function HealthTiles({ overview: { servers, alerts } }: { overview: Overview }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  return (
    <div className="tiles">
      <Tile
        to="/servers"
        name={t('overview.servers_up')}
        value={servers.up}
        colour={token.colorSuccess}
        detail={t('overview.of_servers', { count: servers.total })}
      />
      <Tile
        to="/servers?state=down"
        name={t('overview.servers_down')}
        value={servers.down}
        colour={token.colorError}
        detail={servers.unknown > 0 ? t('overview.unknown', { count: servers.unknown }) : undefined}
      />
      <Tile to="/alerts?severity=critical" name={t('severity.critical')} value={alerts.critical} colour={token.colorError} detail={t('overview.firing')} />
      <Tile
        to="/alerts?severity=warning"
        name={t('severity.warning')}
        value={alerts.warning}
        colour={token.colorWarning}
        detail={alerts.info > 0 ? t('overview.info', { count: alerts.info }) : t('overview.firing')}
      />
      <Tile to="/alerts?state=pending" name={t('alert_state.pending')} value={alerts.pending} detail={t('overview.pending_hint')} />
      <Tile to="/alerts?state=acknowledged" name={t('alert_state.acknowledged')} value={alerts.acknowledged} detail={t('overview.acknowledged_hint')} />
    </div>
  );
}
