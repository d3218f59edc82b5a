import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Popconfirm, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { MaintenanceWindow } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { Matchers } from '../../components/Labels';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { useNotice } from '../../components/useNotice';
import { formatSeconds } from '../../format/numbers';
import { WindowDialog } from './WindowDialog';

export function WindowList() {
  const { t } = useTranslation();
  const notice = useNotice();
  const mayEdit = useMay('silences:write');
  const change = useChange(['alerts']);
  const [making, setMaking] = useState(false);
  const state = useListState({ sort: 'name' }, 'w_');
  const remove = (id: string) => change.mutate({ method: 'DELETE', path: `maintenance-windows/${id}` }, { onError: notice.failed });
  return (
    <>
      <DataTable<MaintenanceWindow>
        path="maintenance-windows"
        state={state}
        rowKey={({ id }) => id}
        toolbar={
          mayEdit && (
            <Button type="primary" icon={<PlusOutlined />} onClick={() => setMaking(true)}>
              {t('windows.new')}
            </Button>
          )
        }
        empty={<EmptyHint title={t('windows.empty')} hint={t('windows.empty_hint')} />}
        columns={[
          {
            key: 'name',
            title: t('windows.name'),
            sortable: true,
            narrow: 'title',
            render: (row) => (
              <span className="row">
                <strong>{row.name}</strong>
                {row.active && <Tag color="green">{t('windows.active')}</Tag>}
              </span>
            ),
          },
          { key: 'cron', title: t('windows.cron'), render: (row) => <span className="mono">{row.cron}</span> },
          { key: 'duration_secs', title: t('windows.duration'), render: (row) => formatSeconds(row.duration_secs) },
          { key: 'time_zone', title: t('windows.time_zone'), render: (row) => row.time_zone },
          { key: 'matchers', title: t('silences.matchers'), render: (row) => (row.matchers.length > 0 ? <Matchers matchers={row.matchers} /> : t('windows.all')) },
          { key: 'next', title: t('windows.next'), render: (row) => <TimeText ms={row.next_start_ms} /> },
          { key: 'comment', title: t('silences.comment'), render: (row) => row.comment },
          {
            key: 'actions',
            title: '',
            render: (row) =>
              mayEdit ? (
                <Popconfirm title={t('windows.delete_confirm')} okText={t('common.delete')} onConfirm={() => remove(row.id)}>
                  <Button size="small" icon={<DeleteOutlined />} aria-label={t('common.delete')} />
                </Popconfirm>
              ) : null,
          },
        ]}
      />
      {making && <WindowDialog onClose={() => setMaking(false)} />}
    </>
  );
}
