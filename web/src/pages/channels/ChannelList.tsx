import { DeleteOutlined, EditOutlined, PlusOutlined, SendOutlined } from '@ant-design/icons';
import { Button, Popconfirm, Space, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { Channel } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { useNotice } from '../../components/useNotice';
import { ChannelDialog } from './ChannelDialog';
import { KINDS } from './channelFields';
import { TestDialog } from './TestDialog';

export function ChannelList() {
  const { t } = useTranslation();
  const notice = useNotice();
  const mayEdit = useMay('channels:write');
  const change = useChange();
  const state = useListState({ sort: 'name' });
  const [edited, setEdited] = useState<Channel | 'new'>();
  const [tested, setTested] = useState<Channel>();
  const remove = (id: string) => change.mutate({ method: 'DELETE', path: `channels/${id}` }, { onError: notice.failed });
  const kindText = (kind: string) => (kind in KINDS ? t(`channels.kind.${kind}`) : kind);
  const add = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setEdited('new')}>
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
        empty={<EmptyHint title={t('channels.empty')} hint={t('channels.empty_hint')} action={mayEdit && add} />}
        columns={[
          { key: 'name', title: t('channels.name'), sortable: true, narrow: 'title', render: ({ name }) => <strong>{name}</strong> },
          { key: 'kind', title: t('channels.kind.title'), sortable: true, narrow: 'title', render: ({ kind }) => kindText(kind) },
          { key: 'enabled', title: t('channels.state'), render: ({ enabled }) => (enabled ? <Tag color="green">{t('channels.on')}</Tag> : <Tag>{t('channels.off')}</Tag>) },
          { key: 'last_result', title: t('channels.last_result'), render: ({ last_result }) => <div style={{ maxWidth: 420 }}>{last_result}</div> },
          { key: 'last_used_ms', title: t('channels.last_used'), render: ({ last_used_ms }) => <TimeText ms={last_used_ms} /> },
          {
            key: 'actions',
            title: '',
            render: (channel) =>
              mayEdit ? (
                <Space size={6}>
                  <Button size="small" icon={<SendOutlined />} onClick={() => setTested(channel)}>
                    {t('channels.test')}
                  </Button>
                  <Button size="small" icon={<EditOutlined />} aria-label={t('common.edit')} onClick={() => setEdited(channel)} />
                  <Popconfirm title={t('channels.delete_confirm')} okText={t('common.delete')} onConfirm={() => remove(channel.id)}>
                    <Button size="small" icon={<DeleteOutlined />} aria-label={t('common.delete')} />
                  </Popconfirm>
                </Space>
              ) : null,
          },
        ]}
      />
      {edited && <ChannelDialog channel={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />}
      {tested && <TestDialog channel={tested} onClose={() => setTested(undefined)} />}
    </>
  );
}
