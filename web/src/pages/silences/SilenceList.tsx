import { PlusOutlined } from '@ant-design/icons';
import { Button, Popconfirm, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { Silence } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { Matchers } from '../../components/Labels';
import { SilenceDialog } from '../../components/SilenceDialog';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { useNotice } from '../../components/useNotice';

const COLOURS: Record<string, string> = { active: 'green', pending: 'gold', expired: 'default' };

export function SilenceList() {
  const { t } = useTranslation();
  const notice = useNotice();
  const mayEdit = useMay('silences:write');
  const change = useChange(['alerts']);
  const [making, setMaking] = useState(false);
  const state = useListState({ sort: '-ends_at_ms' });
  const end = (id: string) =>
    change.mutate({ method: 'DELETE', path: `silences/${id}` }, { onSuccess: () => notice.done(t('silences.ended')), onError: notice.failed });
  const add = mayEdit && (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setMaking(true)}>
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
        empty={<EmptyHint title={t('silences.empty')} hint={t('silences.empty_hint')} />}
        columns={[
          { key: 'state', title: t('alerts.state'), narrow: 'title', csv: (row) => row.state, render: (row) => <Tag color={COLOURS[row.state]}>{row.state in COLOURS ? t(`silences.state.${row.state}`) : row.state}</Tag> },
          { key: 'matchers', title: t('silences.matchers'), csv: (row) => row.matchers.map(({ name, op, value }) => name + op + value).join(' '), render: (row) => <Matchers matchers={row.matchers} /> },
          { key: 'comment', title: t('silences.comment'), csv: (row) => row.comment, render: (row) => <div style={{ maxWidth: 360 }}>{row.comment}</div> },
          { key: 'created_by', title: t('silences.author'), sortable: true, csv: (row) => row.created_by, render: (row) => row.created_by },
          { key: 'starts_at_ms', title: t('silences.starts'), sortable: true, csv: (row) => new Date(row.starts_at_ms).toISOString(), render: (row) => <TimeText ms={row.starts_at_ms} absolute /> },
          { key: 'ends_at_ms', title: t('silences.ends'), sortable: true, csv: (row) => new Date(row.ends_at_ms).toISOString(), render: (row) => <TimeText ms={row.ends_at_ms} /> },
          {
            key: 'actions',
            title: '',
            render: (row) =>
              mayEdit && row.state !== 'expired' ? (
                <Popconfirm title={t('silences.end_confirm')} okText={t('silences.end')} onConfirm={() => end(row.id)}>
                  <Button size="small">{t('silences.end')}</Button>
                </Popconfirm>
              ) : null,
          },
        ]}
      />
      {making && <SilenceDialog matchers={[{ name: 'server', op: '=', value: '' }]} onClose={() => setMaking(false)} />}
    </>
  );
}
