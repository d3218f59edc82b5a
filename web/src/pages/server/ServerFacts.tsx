import { Card } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ServerDetail } from '../../api/types';
import { Labels } from '../../components/Labels';
import { TimeText } from '../../components/TimeText';
import { UsageBar } from '../../components/UsageBar';
import { formatNumber, formatSeconds, formatValue } from '../../format/numbers';

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div style={{ minWidth: 0 }}>
      <div className="faint" style={{ fontSize: 12 }}>{name}</div>
      <div>{children}</div>
    </div>
  );
}

/** The newest values and where the server stands. */
export function ServerFacts({ server }: { server: ServerDetail }) {
  const { t } = useTranslation();
  return (
    <Card size="small">
      <div style={{ display: 'grid', gap: '10px 20px', gridTemplateColumns: 'repeat(auto-fit, minmax(136px, 1fr))' }}>
        <Fact name={t('metrics.cpu')}><UsageBar ratio={server.cpu_ratio} name={t('metrics.cpu')} /></Fact>
        <Fact name={t('metrics.memory')}><UsageBar ratio={server.memory_ratio} name={t('metrics.memory')} /></Fact>
        <Fact name={t('metrics.disk_fullest')}><UsageBar ratio={server.disk_ratio} name={t('metrics.disk_fullest')} /></Fact>
        <Fact name={t('metrics.receive')}><span className="num">{formatValue(server.receive_bytes_per_sec, 'bytes/s')}</span></Fact>
        <Fact name={t('metrics.transmit')}><span className="num">{formatValue(server.transmit_bytes_per_sec, 'bytes/s')}</span></Fact>
        <Fact name={t('metrics.load')}><span className="num">{formatNumber(server.load1)}</span></Fact>
        <Fact name={t('metrics.uptime')}><span className="num">{formatSeconds(server.uptime_secs)}</span></Fact>
        <Fact name={t('servers.last_seen')}><TimeText ms={server.last_seen_ms} /></Fact>
        <Fact name={t(server.is_local ? 'server.interval' : 'server.interval_expected')}><span className="num">{formatSeconds(server.interval_secs)}</span></Fact>
        <Fact name={t('servers.where')}>{[server.provider, server.account, server.region].filter(Boolean).join(' · ')}</Fact>
        {Object.keys(server.tags).length > 0 && <Fact name={t('servers.tags')}><Labels labels={server.tags} /></Fact>}
      </div>
    </Card>
  );
}
