import { Card } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Overview, TopEntry } from '../../api/types';
import { EmptyHint } from '../../components/EmptyHint';
import { UsageBar } from '../../components/UsageBar';
import { serverLink } from '../../format/links';

function Ranking({ title, entries }: { title: string; entries: TopEntry[] }) {
  const { t } = useTranslation();
  return (
    <Card size="small" title={title}>
      {entries.length === 0 && <EmptyHint title={t('overview.no_data')} hint={t('overview.no_data_hint')} />}
      {entries.map(({ server, value }) => (
        <div key={server} style={{ display: 'grid', gridTemplateColumns: 'minmax(0, 1fr) minmax(120px, 1.1fr)', gap: 10, padding: '3px 0' }}>
          <Link className="link" to={serverLink(server)} style={{ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}>
            {server}
          </Link>
          <UsageBar ratio={value} name={`${title} ${server}`} />
        </div>
      ))}
    </Card>
  );
}

/** The servers that use the most CPU, memory and disk now. */
export function TopConsumers({ top }: { top: Overview['top'] }) {
  const { t } = useTranslation();
  return (
    <div className="grid-3">
      <Ranking title={t('overview.top_cpu')} entries={top.cpu} />
      <Ranking title={t('overview.top_memory')} entries={top.memory} />
      <Ranking title={t('overview.top_disk')} entries={top.disk} />
    </div>
  );
}
