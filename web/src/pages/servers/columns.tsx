import { ArrowDownOutlined, ArrowUpOutlined } from '@ant-design/icons';
import { Badge } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { ServerRow } from '../../api/types';
import type { Column } from '../../components/DataTable';
import { Labels } from '../../components/Labels';
import { ServerStateMark } from '../../components/StateMarks';
import { TimeText } from '../../components/TimeText';
import { UsageBar } from '../../components/UsageBar';
import { serverLink } from '../../format/links';
import { formatNumber, formatSeconds, formatValue } from '../../format/numbers';

const BAR_WIDTH = 102;

/** A rate with a bar beside it, as long as its part of the largest rate on the page. */
function NetworkRate({ kind, rate, most }: { kind: 'receive' | 'transmit'; rate: number | null | undefined; most: number }) {
  const { t } = useTranslation();
  const Arrow = kind === 'receive' ? ArrowDownOutlined : ArrowUpOutlined;
  return (
    <span className="rate">
      <Arrow className="faint" title={t(`metrics.${kind}`)} />
      <span className="bar-track" aria-hidden>
        <span className="bar-fill" style={{ width: `${most > 0 ? (100 * (rate ?? 0)) / most : 0}%` }} />
      </span>
      {formatValue(rate, 'bytes/s')}
    </span>
  );
}

/** The largest rate among those on the page. */
export function mostBytes(rows: readonly ServerRow[]): number {
  return Math.max(0, ...rows.flatMap((row) => [row.receive_bytes_per_sec ?? 0, row.transmit_bytes_per_sec ?? 0]));
}

export function useServerColumns(): Column<ServerRow>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'name',
      title: t('servers.name'),
      sortable: true,
      narrow: 'title',
      fixed: 'left',
      csv: ({ name }) => name,
      render: ({ name, alerts, tags }) => (
        <div style={{ maxWidth: 260 }}>
          <span className="row" style={{ flexWrap: 'nowrap' }}>
            <Link className="link" to={serverLink(name)} style={{ overflowWrap: 'anywhere' }}>
              {name}
            </Link>
            {alerts > 0 && (
              <Link to={`/alerts?server=${encodeURIComponent(name)}`} title={t('servers.alerts', { count: alerts })}>
                <Badge count={alerts} size="small" />
              </Link>
            )}
          </span>
          <Labels labels={tags} link={(tag, value) => `/servers?tag=${encodeURIComponent(`${tag}=${value}`)}`} />
        </div>
      ),
    },
    { key: 'state', title: t('servers.state'), sortable: true, narrow: 'title', csv: ({ state }) => state, render: ({ state }) => <ServerStateMark state={state} /> },
    { key: 'cpu_ratio', title: t('metrics.cpu'), sortable: true, width: BAR_WIDTH, csv: (row) => row.cpu_ratio, render: (row) => <UsageBar ratio={row.cpu_ratio} name={`${row.name} ${t('metrics.cpu')}`} /> },
    { key: 'memory_ratio', title: t('metrics.memory'), sortable: true, width: BAR_WIDTH, csv: (row) => row.memory_ratio, render: (row) => <UsageBar ratio={row.memory_ratio} name={`${row.name} ${t('metrics.memory')}`} /> },
    { key: 'disk_ratio', title: t('metrics.disk'), sortable: true, width: BAR_WIDTH, csv: (row) => row.disk_ratio, render: (row) => <UsageBar ratio={row.disk_ratio} name={`${row.name} ${t('metrics.disk')}`} /> },
    {
      key: 'receive_bytes_per_sec',
      title: t('metrics.network'),
      sortable: true,
      csv: (row) => row.receive_bytes_per_sec,
      render: (row, rows) => (
        <span className="pair num">
          <NetworkRate kind="receive" rate={row.receive_bytes_per_sec} most={mostBytes(rows)} />
          <NetworkRate kind="transmit" rate={row.transmit_bytes_per_sec} most={mostBytes(rows)} />
        </span>
      ),
    },
    { key: 'load1', title: t('metrics.load'), sortable: true, align: 'right', csv: (row) => row.load1, render: (row) => <span className="num">{formatNumber(row.load1)}</span> },
    { key: 'uptime_secs', title: t('metrics.uptime'), sortable: true, align: 'right', csv: (row) => row.uptime_secs, render: (row) => <span className="num">{formatSeconds(row.uptime_secs)}</span> },
    {
      key: 'provider',
      title: t('servers.where'),
      sortable: true,
      csv: (row) => [row.provider, row.account, row.region].filter(Boolean).join(' / '),
      render: (row) => (
        <span className="pair">
          <span>{row.provider}</span>
          <span className="faint">{[row.account, row.region].filter(Boolean).join(' · ')}</span>
        </span>
      ),
    },
    { key: 'tags', title: t('servers.tags'), hidden: true, csv: ({ tags }) => Object.entries(tags).map(([name, value]) => `${name}=${value}`).join(' '), render: () => null },
    { key: 'last_seen_ms', title: t('servers.last_seen'), sortable: true, csv: (row) => (row.last_seen_ms ? new Date(row.last_seen_ms).toISOString() : ''), render: (row) => <TimeText ms={row.last_seen_ms} /> },
  ];
}
