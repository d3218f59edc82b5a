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
import { serverLink } from '../../format/links';
import { formatValue } from '../../format/numbers';
import { useRuleUnits } from './useRuleUnits';

const iso = (time?: number | null) => (time ? new Date(time).toISOString() : '');

/** Labels that stand elsewhere in the row, or say nothing about this one alert. */
const ELSEWHERE = ['server', 'severity', 'alertname', 'provider', 'account', 'region'];

/** The columns of a list of alerts; `ended` adds when each ended. */
export function useAlertColumns(ended: boolean): Column<AlertRow>[] {
  const { t } = useTranslation();
  const unitOf = useRuleUnits();
  const columns: Column<AlertRow>[] = [
    { key: 'severity', title: t('alerts.severity'), sortable: true, narrow: 'title', csv: ({ severity }) => severity, render: ({ severity }) => <SeverityMark severity={severity} /> },
    {
      key: 'rule',
      title: t('alerts.alert'),
      sortable: true,
      csv: ({ rule }) => rule,
      render: (row) => (
        <div style={{ maxWidth: 420, minWidth: 160 }}>
          <Link className="link" to={`/alerts/${row.id}`}>
            {row.rule}
          </Link>
          <div className="faint">{row.annotations.summary}</div>
          <Labels labels={row.labels} without={[...ELSEWHERE, ...Object.keys(row.labels).filter((name) => name.startsWith('tag_'))]} />
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
        <span className="row" style={{ gap: 6, flexWrap: 'nowrap' }}>
          <AlertStateMark state={row.state} />
          {row.muted_by.length > 0 && (
            <Tooltip title={t(`alert.muted.${row.muted_by[0].kind}`)}>
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
      sortable: true,
      csv: ({ labels }) => labels.server,
      render: ({ labels }) =>
        labels.server ? (
          <Link className="link" to={serverLink(labels.server)}>
            {labels.server}
          </Link>
        ) : null,
    },
    { key: 'value', title: t('alerts.value'), align: 'right', csv: ({ value }) => value, render: (row) => <span className="num">{formatValue(row.value, unitOf(row))}</span> },
    { key: 'started_at_ms', title: t('alerts.since'), sortable: true, csv: (row) => iso(row.fired_at_ms ?? row.started_at_ms), render: (row) => <TimeText ms={row.fired_at_ms ?? row.started_at_ms} /> },
  ];
  if (ended) {
    columns.push({ key: 'resolved_at_ms', title: t('alerts.resolved'), sortable: true, csv: (row) => iso(row.resolved_at_ms), render: (row) => <TimeText ms={row.resolved_at_ms} /> });
  }
  columns.push({ key: 'labels', title: t('alerts.labels'), narrow: 'hidden', hidden: true, csv: ({ labels }) => JSON.stringify(labels), render: () => null });
  columns.push({ key: 'actions', title: '', render: (row) => <AlertActions alert={row} compact /> });
  return columns;
}
