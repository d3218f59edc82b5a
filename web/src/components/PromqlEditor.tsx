import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { useTranslation } from 'react-i18next';
import type { Fault } from '../api/types';
import CodeEditor from './CodeEditor';

// Metrics, labels and their values are offered from this server's Prometheus API.
const language = new PromQLExtension()
  .setComplete({ remote: { url: '/prometheus', httpMethod: 'GET', cache: { initialMetricList: [] } } })
  .asExtension();

interface Props {
  value?: string;
  onChange?: (expr: string) => void;
  onSubmit?: () => void;
  faults?: Fault[];
}

/** One PromQL expression, with completion and marks where it is wrong. */
export default function PromqlEditor({ value = '', onChange = () => {}, onSubmit, faults }: Props) {
  const { t } = useTranslation();
  return (
    <CodeEditor
      value={value}
      onChange={onChange}
      onSubmit={onSubmit}
      faults={faults}
      language={language}
      label={t('explore.expression')}
      placeholder={t('explore.placeholder')}
      maxHeight={220}
    />
  );
}
