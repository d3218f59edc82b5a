import { DatePicker, Grid } from 'antd';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import ACTIONS from '../../api/auditActions.json';
import KINDS from '../../api/auditTargetKinds.json';
import type { AuditEntry } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { PageHeader } from '../../components/PageHeader';
import { OutcomeMark } from '../../components/StateMarks';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { AuditChange } from './AuditChange';
import { VerifyButton } from './VerifyButton';

const OUTCOMES = ['ok', 'denied', 'failed'] as const;

/** Who did what, on what, from where, and how it ended. */
export default function AuditPage() {
  const { t, i18n } = useTranslation();
  const narrow = Grid.useBreakpoint().md === false;
  const state = useListState({ sort: '-seq', actor: '', action: '', target: '', outcome: '', from_ms: '', to_ms: '' });
  const [from, to] = [state.read('from_ms'), state.read('to_ms')];
  const outcomeText = (outcome: string) => (OUTCOMES.some((known) => known === outcome) ? t(`audit.outcomes.${outcome}`) : outcome);
  const actionText = (action: string) => {
    const key = action.replace('.', '_');
    return i18n.exists(`audit.actions.${key}`) ? t(`audit.actions.${key}`) : action;
  };
  const kindText = (kind: string) => {
    const key = kind.replace(' ', '_');
    return i18n.exists(`audit.kinds.${key}`) ? t(`audit.kinds.${key}`) : kind;
  };
  const targetText = (target: string) => {
    const kind = KINDS.find((known) => target === known || target.startsWith(`${known} `));
    return kind ? kindText(kind) + target.slice(kind.length) : target;
  };
  return (
    <>
      <PageHeader title={t('audit.title')} hint={t('audit.hint')} extra={<VerifyButton />} />
      <DataTable<AuditEntry>
        path="audit"
        state={state}
        rowKey={({ seq }) => String(seq)}
        exportName="audit"
        expand={(entry) =>
          narrow ? (
            <details>
              <summary className="faint">{t('audit.details')}</summary>
              <AuditChange entry={entry} />
            </details>
          ) : (
            <AuditChange entry={entry} />
          )
        }
        filters={[
          { name: 'actor', label: t('audit.actor') },
          { name: 'action', label: t('audit.action'), options: ACTIONS.map((value) => ({ value, label: actionText(value) })) },
          { name: 'target', label: t('audit.target'), options: KINDS.map((value) => ({ value, label: kindText(value) })) },
          { name: 'outcome', label: t('audit.outcome'), options: OUTCOMES.map((value) => ({ value, label: outcomeText(value) })) },
        ]}
        toolbar={
          <DatePicker.RangePicker
            // Two calendars side by side are wider than a phone.
            classNames={narrow ? { popup: { root: 'one-calendar' } } : undefined}
            showTime={{ format: 'HH:mm' }}
            format="MM-DD HH:mm"
            value={from && to ? [dayjs(Number(from)), dayjs(Number(to))] : null}
            onChange={(times) => state.change({ from_ms: times?.[0]?.valueOf() ?? '', to_ms: times?.[1]?.valueOf() ?? '' })}
          />
        }
        empty={<EmptyHint title={t('audit.empty')} />}
        columns={[
          { key: 'seq', title: '#', sortable: true, width: 70, narrow: 'hidden', csv: ({ seq }) => seq, render: ({ seq }) => <span className="num faint">{seq}</span> },
          { key: 'time_ms', title: t('audit.time'), csv: (row) => new Date(row.time_ms).toISOString(), render: (row) => <TimeText ms={row.time_ms} absolute /> },
          { key: 'actor', title: t('audit.actor'), sortable: true, narrow: 'title', csv: (row) => row.actor, render: (row) => <strong>{row.actor}</strong> },
          { key: 'action', title: t('audit.action'), sortable: true, narrow: 'title', csv: (row) => row.action, render: (row) => actionText(row.action) },
          { key: 'target', title: t('audit.target'), csv: (row) => row.target, render: (row) => <div style={{ maxWidth: 360, overflowWrap: 'anywhere' }}>{targetText(row.target)}</div> },
          { key: 'address', title: t('audit.address'), csv: (row) => row.address, render: (row) => row.address && <span className="mono">{row.address}</span> },
          { key: 'outcome', title: t('audit.outcome'), sortable: true, csv: (row) => row.outcome, render: (row) => <OutcomeMark ok={row.outcome === 'ok'} text={outcomeText(row.outcome)} /> },
          { key: 'reason', title: t('audit.reason'), hidden: true, csv: (row) => row.reason ?? '', render: () => null },
        ]}
      />
    </>
  );
}
