import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { AlertDetail } from '../../api/types';
import { Labels } from '../../components/Labels';
import { TimeText } from '../../components/TimeText';
import { groupLink, serverLink } from '../../format/links';
import { formatValue, unitOfExpression } from '../../format/numbers';
import { MutedBy } from './MutedBy';

/** Only addresses of the web may be opened from a rule's annotations. */
export function webLink(text: string | undefined): string | undefined {
  return text && /^https?:\/\//i.test(text) ? text : undefined;
}

export function AlertFacts({ alert }: { alert: AlertDetail }) {
  const { t } = useTranslation();
  const runbook = webLink(alert.annotations.runbook_url);
  const { server } = alert.labels;
  return (
    <dl className="dl">
      {server && (
        <>
          <dt>{t('alerts.server')}</dt>
          <dd>
            <Link className="link" to={serverLink(server)}>
              {server}
            </Link>
          </dd>
        </>
      )}
      <dt>{t('alerts.value')}</dt>
      <dd className="num">{formatValue(alert.value, unitOfExpression(alert.expr ?? ''))}</dd>
      <dt>{t('alert.started')}</dt>
      <dd><TimeText ms={alert.started_at_ms} absolute /></dd>
      <dt>{t('alert.fired')}</dt>
      <dd><TimeText ms={alert.fired_at_ms} absolute /></dd>
      {alert.resolved_at_ms && (
        <>
          <dt>{t('alerts.resolved')}</dt>
          <dd><TimeText ms={alert.resolved_at_ms} absolute /></dd>
        </>
      )}
      {alert.acknowledged && (
        <>
          <dt>{t('alert_state.acknowledged')}</dt>
          <dd>
            {alert.acknowledged.by} · <TimeText ms={alert.acknowledged.at_ms} />
            {alert.acknowledged.comment && <div>{alert.acknowledged.comment}</div>}
          </dd>
        </>
      )}
      {alert.muted_by.length > 0 && (
        <>
          <dt>{t('alerts.silenced')}</dt>
          <dd><MutedBy mutings={alert.muted_by} /></dd>
        </>
      )}
      <dt>{t('alerts.labels')}</dt>
      <dd><Labels labels={alert.labels} /></dd>
      <dt>{t('alert.rule')}</dt>
      <dd>
        <Link className="link" to={groupLink(alert.group)}>
          {alert.group} / {alert.rule}
        </Link>
      </dd>
      {runbook && (
        <>
          <dt>{t('alert.runbook')}</dt>
          <dd>
            <a className="link" href={runbook} target="_blank" rel="noreferrer noopener">
              {runbook}
            </a>
          </dd>
        </>
      )}
    </dl>
  );
}
