import { Card } from 'antd';
import { useTranslation } from 'react-i18next';
import { recentQueries } from './recentQueries';

const EXAMPLES = [
  ['busiest', 'topk(5, server_cpu_utilization_ratio)'],
  ['memory', 'topk(20, avg by (server) (server_memory_utilization_ratio))'],
  ['disk_full', 'predict_linear(server_filesystem_available_bytes[6h], 24 * 3600) < 0'],
  ['network', 'topk(20, sum by (server) (rate(server_network_receive_bytes_total[20m])))'],
  ['down', 'server_up == 0'],
] as const;

/** Questions to start from, and those asked lately. */
export function Examples({ onChoose }: { onChoose: (expr: string) => void }) {
  const { t } = useTranslation();
  const recent = recentQueries();
  return (
    <div className="grid">
      <Card size="small" title={t('explore.examples')}>
        {EXAMPLES.map(([key, expr]) => (
          <div key={key} style={{ padding: '4px 0' }}>
            <button type="button" className="link plain" onClick={() => onChoose(expr)}>
              {t(`explore.example.${key}`)}
            </button>
            <div className="mono faint">{expr}</div>
          </div>
        ))}
      </Card>
      {recent.length > 0 && (
        <Card size="small" title={t('explore.recent')}>
          {recent.map((expr) => (
            <div key={expr} style={{ padding: '4px 0' }}>
              <button type="button" className="link plain mono" onClick={() => onChoose(expr)}>
                {expr}
              </button>
            </div>
          ))}
        </Card>
      )}
    </div>
  );
}
