import { PlusOutlined } from '@ant-design/icons';
import { Button, Tooltip } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useList } from '../../api/hooks';
import { useLabelValues } from '../../api/prometheus';
import { useMay } from '../../api/session';
import type { CloudAccount, CloudServer, CloudServerState } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { EmptyHint } from '../../components/EmptyHint';
import { Labels } from '../../components/Labels';
import { TimeText } from '../../components/TimeText';
import { useListState } from '../../components/useListState';
import { exploreLink, serverLink } from '../../format/links';
import { selector } from '../../format/promql';
import { CloudServerStateMark, providerName } from './AccountMarks';
import { CreateServersDialog } from './CreateServersDialog';
import { cloudServersLink } from './links';
import { ServerActions, useOrdersUnderWay } from './ServerActions';
import { isWatched } from './troubles';

const REFRESH_MS = 15_000;
const STATES: CloudServerState[] = ['running', 'starting', 'stopping', 'stopped', 'stopped_billed', 'deleting', 'deleted', 'unknown'];
const MOST_TAGS = 4;

/** The servers of all accounts as their providers describe them. */
export function CloudServerList() {
  const { t } = useTranslation();
  const state = useListState({ sort: 'server', state: '', account: '', region: '', tag: '' }, 's_');
  const accounts = useList<CloudAccount>('cloud-accounts', { page_size: 500, sort: 'name' });
  const regions = useRegions(accounts.data?.items);
  const isFiltered = ['q', 'state', 'account', 'region', 'tag'].some((name) => state.read(name));
  const mayManage = useMay('servers:manage');
  const underWay = useOrdersUnderWay();
  const [making, setMaking] = useState(false);
  const make = mayManage && (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setMaking(true)}>
      {t('cloud_create.button')}
    </Button>
  );
  return (
    <>
      <DataTable<CloudServer>
        path="cloud-servers"
        state={state}
        rowKey={({ account, id }) => `${account} ${id}`}
        exportName="cloud-servers"
        searchLabel={t('cloud_servers.search')}
        refetchInterval={REFRESH_MS}
        toolbar={make}
        filters={[
          { name: 'state', label: t('clouds.state.title'), options: STATES.map((value) => ({ value, label: t(`cloud_servers.state.${value}`) })) },
          { name: 'account', label: t('cloud_servers.account'), options: (accounts.data?.items ?? []).map(({ name }) => ({ value: name, label: name })) },
          { name: 'region', label: t('cloud_servers.region'), options: regions.map((value) => ({ value, label: value })) },
          { name: 'tag', label: t('cloud_servers.tag') },
        ]}
        empty={
          isFiltered ? <EmptyHint title={t('cloud_servers.none_found')} /> : <EmptyHint title={t('cloud_servers.empty')} hint={t('cloud_servers.empty_hint')} action={<Link className="link" to="/clouds">{t('cloud_servers.to_accounts')}</Link>} />
        }
        columns={[
          { key: 'server', title: t('cloud_servers.name'), sortable: true, narrow: 'title', fixed: 'left', csv: ({ server }) => server, render: (server) => <ServerName server={server} isWatched={isWatched(server, accounts.data?.items)} /> },
          {
            key: 'state',
            title: t('clouds.state.title'),
            sortable: true,
            narrow: 'title',
            csv: (row) => row.state,
            render: (row) => (
              <span className="pair">
                <CloudServerStateMark server={row} />
                {row.gone_at_ms && <span className="faint"><TimeText ms={row.gone_at_ms} /></span>}
              </span>
            ),
          },
          { key: 'instance_type', title: t('cloud_servers.type'), sortable: true, csv: (row) => row.instance_type, render: (row) => <span className="mono">{row.instance_type}</span> },
          {
            key: 'region',
            title: t('cloud_servers.where'),
            sortable: true,
            csv: (row) => row.zone ?? row.region,
            render: (row) => (
              <span className="pair">
                <span className="num">{row.region}</span>
                {row.zone && <span className="faint num">{row.zone}</span>}
              </span>
            ),
          },
          {
            key: 'addresses',
            title: t('cloud_servers.addresses'),
            csv: (row) => [...row.public_addresses, ...row.private_addresses].join(' '),
            render: (row) => row.public_addresses.length + row.private_addresses.length > 0 && <Addresses server={row} />,
          },
          { key: 'launched_at_ms', title: t('cloud_servers.launched'), sortable: true, csv: (row) => (row.launched_at_ms ? new Date(row.launched_at_ms).toISOString() : ''), render: (row) => <TimeText ms={row.launched_at_ms} /> },
          { key: 'tags', title: t('servers.tags'), csv: ({ tags }) => Object.entries(tags).map(([name, value]) => `${name}=${value}`).join(' '), render: ({ tags }) => tagsOf(tags).length > 0 && <Tags tags={tagsOf(tags)} /> },
          {
            key: 'account',
            title: t('cloud_servers.account'),
            sortable: true,
            csv: (row) => row.account,
            render: (row) => (
              <span className="pair">
                <span>{row.account}</span>
                <span className="faint">{providerName(row.provider)}</span>
              </span>
            ),
          },
          { key: 'actions', title: '', fixed: 'right', render: (row) => <ServerActions server={row} underWay={underWay.get(row.server)} size="small" /> },
        ]}
      />
      {making && <CreateServersDialog onClose={() => setMaking(false)} />}
    </>
  );
}

/** The regions that accounts look at, those where something was measured among them. */
function useRegions(accounts: CloudAccount[] = []): string[] {
  const measured = useLabelValues('region');
  return [...new Set([...accounts.flatMap(({ access, regions }) => (access.regions?.length ? access.regions : regions)), ...(measured.data ?? [])])].sort();
}

/** The name here, which leads to the server's page, and the provider's id. */
function ServerName({ server: { server, name, id }, isWatched: hasPage }: { server: CloudServer; isWatched: boolean }) {
  const { t } = useTranslation();
  // Where ids are paths, what stands before the last part is the place, which is shown beside.
  const ownId = id.split('/').at(-1);
  const below = [name !== server && name, ownId !== name && ownId].filter(Boolean).join(' · ');
  // What is not watched has no page of its own any more; what was measured of it stays.
  const past = exploreLink(selector('server_cpu_utilization_ratio', [{ name: 'server', op: '=', value: server }]));
  return (
    <div style={{ maxWidth: 240 }}>
      {hasPage ? (
        <Link className="link" to={serverLink(server)} style={{ overflowWrap: 'anywhere' }}>{server}</Link>
      ) : (
        <Tooltip title={t('cloud_servers.past')}>
          <Link className="faint" to={past} style={{ overflowWrap: 'anywhere' }}>{server}</Link>
        </Tooltip>
      )}
      <div className="faint mono" title={id}>{below}</div>
    </div>
  );
}

function Addresses({ server }: { server: CloudServer }) {
  const { t } = useTranslation();
  return (
    <span className="pair num">
      {server.public_addresses.map((address) => (
        <span key={address} title={t('cloud_servers.public')}>{address}</span>
      ))}
      {server.private_addresses.map((address) => (
        <span key={address} className="faint" title={t('cloud_servers.private')}>{address}</span>
      ))}
    </span>
  );
}

/** The tags but the name, which is one of them at AWS and stands before already. */
const tagsOf = (tags: CloudServer['tags']) => Object.entries(tags).filter(([name]) => name !== 'Name');

/** The first tags; the others on hover. */
function Tags({ tags }: { tags: [string, string][] }) {
  const rest = tags.slice(MOST_TAGS);
  return (
    <div style={{ maxWidth: 240 }}>
      <Labels labels={Object.fromEntries(tags.slice(0, MOST_TAGS))} link={(name, value) => cloudServersLink({ tag: `${name}=${value}` })}>
        {rest.length > 0 && (
          <Tooltip title={rest.map(([name, value]) => `${name}=${value}`).join(' · ')}>
            <span className="faint" tabIndex={0}>+{rest.length}</span>
          </Tooltip>
        )}
      </Labels>
    </div>
  );
}
