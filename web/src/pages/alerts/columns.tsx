import { BellOutlined, SwapOutlined } from '@ant-design/icons';
import { Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { AlertRow } from '../../api/types';
import { AlertActions } from '../../components/AlertActions';
import type { Column } from '../../components/DataTable';
import { Labels } from '../../components/Labels';
import { AlertStateMark, SeverityMark } from '../../components/StateMarks';
import { TimeText } from '../../components/TimeText';
import { formatValue } from '../../format/numbers';
import { valueUnit } from './valueUnit';

const iso = (time?: number | null) => (time ? new Date(time).toISOString() : '');

export function useAlertColumns(): Column<AlertRow>[] {
  const { t } = useTranslation();
  return [
    { key: 'severity', title: t('alerts.severity'), sortable: true, narrow: 'title', csv: ({ severity }) => severity, render: ({ severity }) => <SeverityMark severity={severity} /> },
    {
      key: 'rule',
      title: t('alerts.alert'),
      sortable: true,
      csv: ({ rule }) => rule,
      render: (row) => (
        <div style={{ maxWidth: 460 }}>
          <Link className="link" to={`/alerts/${row.id}`}>
            {row.rule}
          </Link>
          <div className="faint">{row.annotations.summary}</div>
        </div>
      ),
    },
    {
      key: 'state',
      title: t('alerts.state'),
      sortable: true,
      narrow: 'title',
      csv: ({ state }) => state,
      render: (row) => (
        <span className="row" style={{ gap: 6 }}>
          <AlertStateMark state={row.state} />
          {row.silenced_by.length > 0 && (
            <Tooltip title={t('alerts.silenced')}>
              <BellOutlined className="faint" aria-label={t('alerts.silenced')} />
            </Tooltip>
          )}
          {row.flapping && (
            <Tooltip title={t('alerts.flapping')}>
              <SwapOutlined className="faint" aria-label={t('alerts.flapping')} />
            </Tooltip>
          )}
        </span>
      ),
    },
    {
      key: 'server',
      title: t('alerts.server'),
      csv: ({ labels }) => labels.server,
      render: ({ labels }) =>
        labels.server ? (
          <Link className="link" to={`/servers/${encodeURIComponent(labels.server)}`}>
            {labels.server}
          </Link>
        ) : null,
    },
    { key: 'labels', title: t('alerts.labels'), csv: ({ labels }) => JSON.stringify(labels), render: ({ labels }) => <Labels labels={labels} without={['server', 'severity', 'alertname', 'provider']} /> },
    { key: 'value', title: t('alerts.value'), align: 'right', csv: ({ value }) => value, render: (row) => <span className="num">{formatValue(row.value, valueUnit(row))}</span> },
    { key: 'started_at_ms', title: t('alerts.since'), sortable: true, csv: (row) => iso(row.fired_at_ms ?? row.started_at_ms), render: (row) => <TimeText ms={row.fired_at_ms ?? row.started_at_ms} /> },
    { key: 'resolved_at_ms', title: t('alerts.resolved'), sortable: true, csv: (row) => iso(row.resolved_at_ms), render: (row) => <TimeText ms={row.resolved_at_ms} /> },
    { key: 'actions', title: '', render: (row) => <AlertActions alert={row} compact /> },
  ];
}
