import { PlusOutlined, SendOutlined } from '@ant-design/icons';
import { Button, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '../../api/session';
import type { Channel } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { RowActions } from '../../components/RowActions';
import { OutcomeMark } from '../../components/StateMarks';
import { TimeText } from '../../components/TimeText';
import { useEditedRows } from '../../components/useEditedRows';
import { useListState } from '../../components/useListState';
import { ChannelDialog } from './ChannelDialog';
import { KINDS } from './channelFields';
import { TestDialog } from './TestDialog';

export function ChannelList() {
  const { t } = useTranslation();
  const mayEdit = useMay('channels:write');
  const state = useListState({ sort: 'name', kind: '' });
  const rows = useEditedRows<Channel>('channels', [], t('common.done'));
  const [tested, setTested] = useState<Channel>();
  const kindText = (kind: string) => (kind in KINDS ? t(`channels.kind.${kind}`) : kind);
  const add = (
    <Button type="primary" icon={<PlusOutlined />} onClick={rows.make}>
      {t('channels.new')}
    </Button>
  );
  return (
    <>
      <DataTable<Channel>
        path="channels"
        state={state}
        rowKey={({ id }) => id}
        toolbar={mayEdit && add}
        filters={[{ name: 'kind', label: t('channels.kind.title'), options: Object.keys(KINDS).map((value) => ({ value, label: kindText(value) })) }]}
        empty={<EmptyHint title={t('channels.empty')} hint={t('channels.empty_hint')} action={mayEdit && add} />}
        columns={[
          { key: 'name', title: t('channels.name'), sortable: true, narrow: 'title', render: ({ name }) => <strong>{name}</strong> },
          { key: 'kind', title: t('channels.kind.title'), sortable: true, narrow: 'title', render: ({ kind }) => kindText(kind) },
          { key: 'enabled', title: t('channels.state'), render: ({ enabled }) => (enabled ? <Tag color="green">{t('channels.on')}</Tag> : <Tag>{t('channels.off')}</Tag>) },
          { key: 'last_result', title: t('channels.last_result'), render: (channel) => typeof channel.last_ok === 'boolean' && <LastResult {...channel} /> },
          { key: 'last_used_ms', title: t('channels.last_used'), render: ({ last_used_ms }) => <TimeText ms={last_used_ms} /> },
          {
            key: 'actions',
            title: '',
            render: (channel) =>
              mayEdit ? (
                <RowActions onEdit={() => rows.edit(channel)} onRemove={() => rows.remove(channel)} question={t('channels.delete_confirm')}>
                  <Button size="small" icon={<SendOutlined />} onClick={() => setTested(channel)}>
                    {t('channels.test')}
                  </Button>
                </RowActions>
              ) : null,
          },
        ]}
      />
      {rows.isOpen && <ChannelDialog channel={rows.row} onClose={rows.close} />}
      {tested && <TestDialog channel={tested} onClose={() => setTested(undefined)} />}
    </>
  );
}

function LastResult({ last_ok, last_result }: Channel) {
  const { t } = useTranslation();
  return (
    <div style={{ maxWidth: 420, overflowWrap: 'anywhere' }}>
      <OutcomeMark ok={last_ok === true} text={t(last_ok ? 'channels.arrived' : 'channels.not_arrived')} />
      {last_result && <div className="faint">{last_result}</div>}
    </div>
  );
}
