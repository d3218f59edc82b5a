import { PlusOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLabelValues } from '../../api/prometheus';
import { useMay } from '../../api/session';
import type { ServerRow } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { PageHeader } from '../../components/PageHeader';
import { useListState } from '../../components/useListState';
import { AddServerDialog } from './AddServerDialog';
import { useServerColumns } from './columns';

export default function ServersPage() {
  const { t } = useTranslation();
  const state = useListState({ sort: 'name', state: '', provider: '', account: '', region: '', tag: '' });
  const mayAdd = useMay('agents:write');
  const [adding, setAdding] = useState(false);
  const columns = useServerColumns();
  const providers = useLabelValues('provider');
  const accounts = useLabelValues('account');
  const regions = useLabelValues('region');
  return (
    <>
      <PageHeader
        title={t('servers.title')}
        hint={t('servers.hint')}
        extra={
          mayAdd && (
            <Button icon={<PlusOutlined />} onClick={() => setAdding(true)}>
              {t('add_server.title')}
            </Button>
          )
        }
      />
      <DataTable<ServerRow>
        path="servers"
        state={state}
        columns={columns}
        rowKey={({ name }) => name}
        exportName="servers"
        searchLabel={t('servers.search')}
        refetchInterval={15_000}
        filters={[
          {
            name: 'state',
            label: t('servers.state'),
            options: (['up', 'down', 'unknown'] as const).map((value) => ({ value, label: t(`server_state.${value}`) })),
          },
          {
            name: 'provider',
            label: t('servers.provider'),
            options: (providers.data ?? []).map((value) => ({ value, label: value })),
          },
          {
            name: 'account',
            label: t('server.account'),
            options: (accounts.data ?? []).map((value) => ({ value, label: value })),
          },
          {
            name: 'region',
            label: t('server.region'),
            options: (regions.data ?? []).map((value) => ({ value, label: value })),
          },
          { name: 'tag', label: t('servers.tag') },
        ]}
        empty={<EmptyHint title={t('servers.empty')} hint={t('servers.empty_hint')} />}
      />
      {adding && <AddServerDialog onClose={() => setAdding(false)} />}
    </>
  );
}
