import { PlusOutlined } from '@ant-design/icons';
import { Button, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { useMay } from '../../api/session';
import type { MaintenanceWindow } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { EnabledName } from '../../components/EnabledName';
import { Matchers } from '../../components/Labels';
import { RowActions } from '../../components/RowActions';
import { TimeText } from '../../components/TimeText';
import { useEditedRows } from '../../components/useEditedRows';
import { useListState } from '../../components/useListState';
import { formatSeconds } from '../../format/numbers';
import { WindowDialog } from './WindowDialog';

export function WindowList() {
  const { t } = useTranslation();
  const mayEdit = useMay('silences:write');
  const rows = useEditedRows<MaintenanceWindow>('maintenance-windows', ['alerts'], t('common.done'));
  const state = useListState({ sort: 'name' }, 'w_');
  const add = mayEdit && (
    <Button type="primary" icon={<PlusOutlined />} onClick={rows.make}>
      {t('windows.new')}
    </Button>
  );
  return (
    <>
      <DataTable<MaintenanceWindow>
        path="maintenance-windows"
        state={state}
        rowKey={({ id }) => id}
        toolbar={add}
        empty={<EmptyHint title={t('windows.empty')} hint={t('windows.empty_hint')} />}
        columns={[
          {
            key: 'name',
            title: t('windows.name'),
            sortable: true,
            narrow: 'title',
            render: (row) => (
              <EnabledName {...row}>{row.active && <Tag color="green">{t('windows.active')}</Tag>}</EnabledName>
            ),
          },
          { key: 'cron', title: t('windows.cron'), render: (row) => <span className="mono">{row.cron}</span> },
          { key: 'duration_secs', title: t('windows.duration'), render: (row) => formatSeconds(row.duration_secs) },
          { key: 'time_zone', title: t('windows.time_zone'), render: (row) => row.time_zone },
          { key: 'matchers', title: t('silences.matchers'), render: (row) => (row.matchers.length > 0 ? <Matchers matchers={row.matchers} /> : t('windows.all')) },
          { key: 'next', title: t('windows.next'), render: (row) => <TimeText ms={row.next_start_ms} /> },
          { key: 'comment', title: t('silences.comment'), render: (row) => <div style={{ maxWidth: 260 }}>{row.comment}</div> },
          {
            key: 'actions',
            title: '',
            render: (row) =>
              mayEdit ? <RowActions onEdit={() => rows.edit(row)} onRemove={() => rows.remove(row)} question={t('windows.delete_confirm')} /> : null,
          },
        ]}
      />
      {rows.isOpen && <WindowDialog window={rows.row} onClose={rows.close} />}
    </>
  );
}
