import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import type { ProbeResult } from '../../api/types';
import { formatSeconds } from '../../format/numbers';
import { formatAbsolute } from '../../format/time';

/** What a target really answered. */
export function ResultPanel({ result }: { result: ProbeResult }) {
  const { t, i18n } = useTranslation();
  const facts = [
    t('probes.took', { time: formatSeconds(result.duration_ms / 1000) }),
    result.status && `HTTP ${result.status}`,
    result.body_matched === true && t('probes.body_matches'),
    result.certificate_expires_ms && t('probes.certificate_until', { time: formatAbsolute(result.certificate_expires_ms, i18n.language) }),
  ].filter(Boolean);
  return (
    <Alert
      type={result.ok ? 'success' : 'error'}
      showIcon
      title={result.ok ? t('probes.answers') : t(`probes.reason.${result.reason}`)}
      description={
        <>
          {result.message && <div style={{ overflowWrap: 'anywhere' }}>{result.message}</div>}
          <div>{facts.join(' · ')}</div>
        </>
      }
    />
  );
}
