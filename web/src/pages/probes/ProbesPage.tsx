import { PlusOutlined, ThunderboltOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useMay } from '../../api/session';
import type { Probe } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { Labels } from '../../components/Labels';
import { PageHeader } from '../../components/PageHeader';
import { RowActions } from '../../components/RowActions';
import { useEditedRows } from '../../components/useEditedRows';
import { useListState } from '../../components/useListState';
import { formatSeconds } from '../../format/numbers';
import { ProbeDialog } from './ProbeDialog';
import { AnswerText, CertificateText, LastAsked, LatencyBar, ProbeStateMark } from './ProbeMarks';
import { RunDialog } from './RunDialog';

const REFRESH_MS = 10_000;

/** Addresses that are asked again and again, and what they answered last. */
export default function ProbesPage() {
  const { t } = useTranslation();
  const mayEdit = useMay('probes:write');
  const state = useListState({ sort: 'name', state: '', scheme: '' });
  const rows = useEditedRows<Probe>('probes', [], t('common.done'));
  const [run, setRun] = useState<Probe>();
  const add = mayEdit && (
    <Button type="primary" icon={<PlusOutlined />} onClick={rows.make}>
      {t('probes.new')}
    </Button>
  );
  return (
    <>
      <PageHeader title={t('probes.title')} hint={t('probes.hint')} />
      <DataTable<Probe>
        path="probes"
        state={state}
        rowKey={({ id }) => id}
        exportName="probes"
        searchLabel={t('probes.search')}
        refetchInterval={REFRESH_MS}
        toolbar={add}
        filters={[
          { name: 'state', label: t('probes.state.title'), options: (['up', 'down', 'pending', 'paused'] as const).map((value) => ({ value, label: t(`probes.state.${value}`) })) },
          { name: 'scheme', label: t('probes.kind'), options: ['https', 'http', 'tls', 'tcp'].map((value) => ({ value, label: value })) },
        ]}
        empty={<EmptyHint title={t('probes.empty')} hint={t('probes.empty_hint')} action={add} />}
        columns={[
          {
            key: 'name',
            title: t('probes.name'),
            sortable: true,
            narrow: 'title',
            csv: ({ name }) => name,
            render: (probe) => (
              <div style={{ maxWidth: 260 }}>
                <Link className="link" to={`/probes/${probe.id}`} style={{ overflowWrap: 'anywhere' }}>
                  {probe.name}
                </Link>
                <Labels labels={probe.labels} />
              </div>
            ),
          },
          { key: 'state', title: t('probes.state.title'), sortable: true, narrow: 'title', csv: (row) => row.state, render: (row) => <ProbeStateMark state={row.state} /> },
          {
            key: 'target',
            title: t('probes.target'),
            sortable: true,
            csv: ({ target }) => target,
            render: ({ target }) => <span className="mono" style={{ display: 'inline-block', maxWidth: 280, overflowWrap: 'anywhere' }}>{target}</span>,
          },
          { key: 'duration_ms', title: t('probes.duration'), sortable: true, width: 170, csv: (row) => row.last?.duration_ms, render: (row) => <LatencyBar probe={row} /> },
          { key: 'answer', title: t('probes.answer'), csv: (row) => row.last?.message ?? row.last?.status, render: (row) => <AnswerText probe={row} /> },
          {
            key: 'certificate_expires_ms',
            title: t('probes.certificate'),
            sortable: true,
            csv: (row) => (row.last?.certificate_expires_ms ? new Date(row.last.certificate_expires_ms).toISOString() : ''),
            render: (row) => <CertificateText expires_ms={row.last?.certificate_expires_ms} />,
          },
          { key: 'interval_secs', title: t('probes.interval'), hidden: true, csv: (row) => row.interval_secs, render: (row) => <span className="num">{formatSeconds(row.interval_secs)}</span> },
          { key: 'last', title: t('probes.last'), csv: (row) => (row.last ? new Date(row.last.at_ms).toISOString() : ''), render: (row) => <LastAsked probe={row} /> },
          {
            key: 'actions',
            title: '',
            fixed: 'right',
            render: (probe) =>
              mayEdit ? (
                <RowActions onEdit={() => rows.edit(probe)} onRemove={() => rows.remove(probe)} question={t('probes.delete_confirm')}>
                  <Button size="small" icon={<ThunderboltOutlined />} onClick={() => setRun(probe)}>
                    {t('probes.run')}
                  </Button>
                </RowActions>
              ) : null,
          },
        ]}
      />
      {rows.isOpen && <ProbeDialog probe={rows.row} onClose={rows.close} />}
      {run && <RunDialog probe={run} onClose={() => setRun(undefined)} />}
    </>
  );
}
