import { PlusOutlined } from '@ant-design/icons';
import { Button, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useChange } from '../../api/hooks';
import { useMay } from '../../api/session';
import type { Agent } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { RowActions } from '../../components/RowActions';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { useNotice } from '../../components/useNotice';
import { AddServerDialog } from '../servers/AddServerDialog';
import { clockText, isWorrying } from './clockText';

const REFRESH_MS = 15_000;

/** The machines that have joined: in which version, when each was heard of, and whether its clock is right. */
export function AgentList() {
  const { t } = useTranslation();
  const mayEdit = useMay('agents:write');
  const notice = useNotice();
  const change = useChange();
  const state = useListState({ sort: 'name' }, 'a_');
  const [adding, setAdding] = useState(false);
  const revoke = ({ id }: Agent) => change.mutate({ method: 'DELETE', path: `agents/${id}` }, { onError: notice.failed });
  const add = mayEdit && (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setAdding(true)}>
      {t('add_server.title')}
    </Button>
  );
  return (
    <>
      <DataTable<Agent>
        path="agents"
        state={state}
        rowKey={({ id }) => id}
        exportName="agents"
        searchLabel={t('agents.search')}
        refetchInterval={REFRESH_MS}
        toolbar={add}
        empty={state.read('q') ? <EmptyHint title={t('agents.none_found')} /> : <EmptyHint title={t('agents.empty')} hint={t(mayEdit ? 'agents.empty_hint' : 'agents.empty_hint_viewer')} action={add} />}
        columns={[
          {
            key: 'name',
            title: t('agents.name'),
            sortable: true,
            narrow: 'title',
            csv: ({ name }) => name,
            render: ({ name, host_name }) => (
              <>
                <Link className="link" to={`/servers/${encodeURIComponent(name)}`}>
                  <strong style={{ overflowWrap: 'anywhere' }}>{name}</strong>
                </Link>
                {host_name !== name && <div className="faint">{host_name}</div>}
              </>
            ),
          },
          { key: 'version', title: t('agents.version'), sortable: true, csv: ({ version }) => version, render: ({ version }) => <span className="num">{version}</span> },
          {
            key: 'last_seen_ms',
            title: t('agents.last_seen'),
            sortable: true,
            csv: ({ last_seen_ms }) => (last_seen_ms ? new Date(last_seen_ms).toISOString() : ''),
            render: ({ last_seen_ms, last_seen_address }) => (
              <>
                <TimeText ms={last_seen_ms} /> {last_seen_address && <span className="mono faint">{last_seen_address}</span>}
              </>
            ),
          },
          {
            key: 'clock_skew_ms',
            title: t('agents.clock'),
            sortable: true,
            csv: ({ clock_skew_ms }) => clock_skew_ms,
            render: ({ clock_skew_ms: skew }) => (typeof skew !== 'number' ? null : isWorrying(skew) ? <Tag color="warning">{clockText(skew, t)}</Tag> : <span className="num">{clockText(skew, t)}</span>),
          },
          {
            key: 'cloud',
            title: t('agents.cloud'),
            csv: ({ cloud }) => cloud && `${cloud.provider} ${cloud.ids[0]}`,
            render: ({ cloud }) =>
              cloud && (
                <span style={{ overflowWrap: 'anywhere' }}>
                  {cloud.provider} <span className="mono faint">{cloud.ids[0]}</span>
                </span>
              ),
          },
          { key: 'machine_id', title: t('agents.machine'), csv: ({ machine_id }) => machine_id, render: ({ machine_id }) => <span className="mono faint" title={machine_id}>{machine_id.slice(0, 12)}</span> },
          {
            key: 'enrolled_at_ms',
            title: t('agents.enrolled'),
            sortable: true,
            csv: ({ enrolled_at_ms }) => new Date(enrolled_at_ms).toISOString(),
            render: ({ enrolled_at_ms }) => <TimeText ms={enrolled_at_ms} />,
          },
          {
            key: 'actions',
            title: '',
            fixed: 'right',
            render: (agent) => mayEdit && <RowActions onRemove={() => revoke(agent)} removeText={t('tokens.revoke')} question={t('agents.revoke_confirm', { name: agent.name })} />,
          },
        ]}
      />
      {adding && <AddServerDialog onClose={() => setAdding(false)} />}
    </>
  );
}
