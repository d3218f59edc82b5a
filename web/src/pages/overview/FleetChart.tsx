import { Card } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useRangeQuery } from '../../api/prometheus';
import { ErrorPanel } from '../../components/ErrorPanel';
import { QueryLink } from '../../components/QueryLink';
import { SeriesChart } from '../../components/SeriesChart';
import { useTimeRange } from '../../components/useTimeRange';

const CPU = 'avg(server_cpu_utilization_ratio)';
const MEMORY = 'avg(server_memory_utilization_ratio)';

/** How busy the whole fleet was over the last hours. */
export function FleetChart() {
  const { t } = useTranslation();
  const { range } = useTimeRange('6h');
  const { preset: _preset, ...times } = range;
  const cpu = useRangeQuery({ expr: CPU, ...times });
  const memory = useRangeQuery({ expr: MEMORY, ...times });
  const lines = useMemo(
    () => [
      { name: t('metrics.cpu'), points: cpu.data?.[0]?.points ?? [] },
      { name: t('metrics.memory'), points: memory.data?.[0]?.points ?? [] },
    ],
    [cpu.data, memory.data, t],
  );
  const error = cpu.error ?? memory.error;
  return (
    <Card
      size="small"
      title={t('overview.fleet_load')}
      extra={
        <QueryLink expr={CPU} range={range} />
      }
    >
      {error ? <ErrorPanel error={error} /> : <SeriesChart lines={lines} unit="ratio" label={t('overview.fleet_load')} height={220} loading={cpu.isPending} {...times} />}
    </Card>
  );
}
