import { PlusOutlined } from '@ant-design/icons';
import { Button, Tag, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { useMay } from '../../api/session';
import type { Silence } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { Matchers } from '../../components/Labels';
import { RowActions } from '../../components/RowActions';
import { SilenceDialog } from '../../components/SilenceDialog';
import { TimeText } from '../../components/TimeText';
import { useEditedRows } from '../../components/useEditedRows';
import { useListState } from '../../components/useListState';

const COLOURS: Record<string, string> = { active: 'green', pending: 'gold', expired: 'default' };
const STATES = ['current', 'active', 'pending', 'expired'] as const;

export function SilenceList() {
  const { t } = useTranslation();
  const mayEdit = useMay('silences:write');
  const rows = useEditedRows<Silence>('silences', ['alerts'], t('silences.ended'));
  const state = useListState({ sort: '-ends_at_ms', state: '' });
  const stateText = (name: string) => (STATES.some((known) => known === name) ? t(`silences.state.${name}`) : name);
  const add = mayEdit && (
    <Button type="primary" icon={<PlusOutlined />} onClick={rows.make}>
      {t('silences.new')}
    </Button>
  );
  return (
    <>
      <DataTable<Silence>
        path="silences"
        state={state}
        rowKey={({ id }) => id}
        exportName="silences"
        toolbar={add}
        filters={[{ name: 'state', label: t('alerts.state'), options: STATES.map((value) => ({ value, label: stateText(value) })) }]}
        empty={<EmptyHint title={t('silences.empty')} hint={t('silences.empty_hint')} />}
        columns={[
          { key: 'state', title: t('alerts.state'), narrow: 'title', csv: (row) => row.state, render: (row) => <Tag color={COLOURS[row.state]}>{stateText(row.state)}</Tag> },
          { key: 'matchers', title: t('silences.matchers'), csv: (row) => row.matchers.map(({ name, op, value }) => name + op + value).join(' '), render: (row) => <div style={{ maxWidth: 320 }}><Matchers matchers={row.matchers} /></div> },
          { key: 'comment', title: t('silences.comment'), csv: (row) => row.comment, render: (row) => <div style={{ maxWidth: 300 }}>{row.comment}</div> },
          {
            key: 'created_by',
            title: t('silences.author'),
            sortable: true,
            csv: (row) => row.created_by,
            render: (row) => (
              <Tooltip title={row.changed_by ? t('silences.changed_by', { name: row.changed_by }) : undefined}>
                {row.created_by}
                {row.changed_by && row.changed_by !== row.created_by && ` → ${row.changed_by}`}
              </Tooltip>
            ),
          },
          { key: 'starts_at_ms', title: t('silences.starts'), sortable: true, csv: (row) => new Date(row.starts_at_ms).toISOString(), render: (row) => <TimeText ms={row.starts_at_ms} absolute /> },
          { key: 'ends_at_ms', title: t('silences.ends'), sortable: true, csv: (row) => new Date(row.ends_at_ms).toISOString(), render: (row) => <TimeText ms={row.ends_at_ms} /> },
          {
            key: 'actions',
            title: '',
            render: (row) =>
              mayEdit && row.state !== 'expired' ? (
                <RowActions onEdit={() => rows.edit(row)} onRemove={() => rows.remove(row)} question={t('silences.end_confirm')} removeText={t('silences.end')} />
              ) : null,
          },
        ]}
      />
      {rows.isOpen && <SilenceDialog silence={rows.row} matchers={[{ name: 'server', op: '=', value: '' }]} onClose={rows.close} />}
    </>
  );
}
