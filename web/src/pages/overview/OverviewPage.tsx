import { useTranslation } from 'react-i18next';
import { useResource } from '../../api/hooks';
import type { Overview } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { Loading } from '../../components/Loading';
import { PageHeader } from '../../components/PageHeader';
import { ActiveAlerts } from './ActiveAlerts';
import { FirstSteps } from './FirstSteps';
import { FleetChart } from './FleetChart';
import { HealthTiles } from './HealthTiles';
import { TopConsumers } from './TopConsumers';

/** The first look: is everything well, what burns, who uses the most. */
export default function OverviewPage() {
  const { t } = useTranslation();
  const overview = useResource<Overview>('overview', undefined, { refetchInterval: 30_000 });
  return (
    <>
      <PageHeader title={t('overview.title')} />
      {overview.error && <ErrorPanel error={overview.error} retry={() => void overview.refetch()} stale={overview.data !== undefined} />}
      {overview.isPending && <Loading />}
      {overview.data && (
        <div className="stack">
          <FirstSteps servers={overview.data.servers.total} />
          <HealthTiles overview={overview.data} />
          <ActiveAlerts />
          <TopConsumers top={overview.data.top} />
          <FleetChart />
        </div>
      )}
    </>
  );
}
