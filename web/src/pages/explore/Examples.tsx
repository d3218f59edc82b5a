import { Card } from 'antd';
import { useTranslation } from 'react-i18next';

const EXAMPLES = [
  ['busiest', 'topk(5, server_cpu_utilization_ratio)'],
  ['memory', 'avg by (server) (server_memory_utilization_ratio)'],
  ['disk_full', 'predict_linear(server_filesystem_available_bytes[6h], 24 * 3600) < 0'],
  ['network', 'sum by (server) (rate(server_network_receive_bytes_total[20m]))'],
  ['down', 'server_up == 0'],
] as const;

/** Questions to start from. */
export function Examples({ onChoose }: { onChoose: (expr: string) => void }) {
  const { t } = useTranslation();
  return (
    <Card size="small" title={t('explore.examples')}>
      {EXAMPLES.map(([key, expr]) => (
        <div key={key} style={{ padding: '4px 0' }}>
          <button
            type="button"
            className="link"
            style={{ background: 'none', border: 0, padding: 0, font: 'inherit', textAlign: 'start' }}
            onClick={() => onChoose(expr)}
          >
            {t(`explore.example.${key}`)}
          </button>
          <div className="mono faint">{expr}</div>
        </div>
      ))}
    </Card>
  );
}
