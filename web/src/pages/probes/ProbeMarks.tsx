// How a probe stands, as the list and the page of one probe show it.
import { CheckCircleFilled, ClockCircleOutlined, CloseCircleFilled, PauseCircleOutlined } from '@ant-design/icons';
import { theme } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Probe, ProbeState } from '../../api/types';
import { TimeText } from '../../components/TimeText';
import { useNow } from '../../components/useNow';
import { formatSeconds, NOTHING } from '../../format/numbers';
import { formatAbsolute } from '../../format/time';
import { daysLeft } from './probeValues';

export function ProbeStateMark({ state }: { state: ProbeState }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const looks = {
    up: [CheckCircleFilled, token.colorSuccess],
    down: [CloseCircleFilled, token.colorError],
    pending: [ClockCircleOutlined, token.colorTextTertiary],
    paused: [PauseCircleOutlined, token.colorTextTertiary],
  } as const;
  const [Shape, colour] = looks[state];
  return (
    <span className="state">
      <Shape style={{ color: colour }} />
      {t(`probes.state.${state}`)}
    </span>
  );
}

/** How long the last run took, as a share of the time limit. */
export function LatencyBar({ probe }: { probe: Probe }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  if (!probe.last) return <span className="faint">{NOTHING}</span>;
  const share = Math.min(1, probe.last.duration_ms / probe.timeout_ms);
  const colour = probe.last.ok ? token.colorPrimary : token.colorError;
  return (
    <span className="bar" title={t('probes.of_limit', { limit: formatSeconds(probe.timeout_ms / 1000) })}>
      <span className="bar-track">
        <span className="bar-fill" style={{ display: 'block', width: `${Math.max(2, share * 100)}%`, background: colour }} />
      </span>
      <span className="num" style={{ width: 64 }}>{formatSeconds(probe.last.duration_ms / 1000)}</span>
    </span>
  );
}

/** How long the certificate is good; amber from 30 days, red from 14. */
export function CertificateText({ expires_ms }: { expires_ms: number | null | undefined }) {
  const { t, i18n } = useTranslation();
  const { token } = theme.useToken();
  const now = useNow();
  if (expires_ms === null || expires_ms === undefined) return <span className="faint">{NOTHING}</span>;
  const days = daysLeft(expires_ms, now);
  const colour = days < 14 ? token.colorError : days < 30 ? token.colorWarning : undefined;
  return (
    <span className="num" style={{ color: colour }} title={formatAbsolute(expires_ms, i18n.language)}>
      {days < 0 ? t('probes.expired') : t('probes.days', { count: days })}
    </span>
  );
}

/** What went wrong, or the status of the answer. */
export function AnswerText({ probe }: { probe: Probe }) {
  const { last } = probe;
  if (!last) return <span className="faint">{NOTHING}</span>;
  if (last.message) return <div style={{ maxWidth: 220, overflowWrap: 'anywhere' }}>{last.message}</div>;
  return <span className="num">{last.status ? `HTTP ${last.status}` : NOTHING}</span>;
}

export function LastAsked({ probe }: { probe: Probe }) {
  return <TimeText ms={probe.last?.at_ms} />;
}
