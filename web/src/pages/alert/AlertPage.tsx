import { Card } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useResource } from '../../api/hooks';
import type { AlertDetail } from '../../api/types';
import { AlertActions } from '../../components/AlertActions';
import { Loading } from '../../components/Loading';
import { PageFailed } from '../../components/PageFailed';
import { PageHeader } from '../../components/PageHeader';
import { Reason } from '../../components/Reason';
import { AlertStateMark, SeverityMark } from '../../components/StateMarks';
import { whyLink } from '../../format/links';
import { unitOfExpression } from '../../format/numbers';
import { AlertChart } from './AlertChart';
import { AlertFacts } from './AlertFacts';
import { AlertTimeline } from './AlertTimeline';
import { CommentForm } from './CommentForm';

/** Everything about one alert: what, since when, why, who is on it, what was sent. */
export default function AlertPage() {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  const detail = useResource<AlertDetail>(`alerts/${id}`, undefined, { refetchInterval: 30_000 });
  const alert = detail.data;
  const back = (
    <Link className="link" to="/alerts">
      {t('alert.back')}
    </Link>
  );
  if (!alert) return detail.error ? <PageFailed back={back} error={detail.error} retry={() => void detail.refetch()} /> : <Loading height={320} />;
  const unit = unitOfExpression(alert.expr ?? '');
  return (
    <>
      <PageHeader
        name={alert.rule}
        title={
          <span className="row">
            {alert.rule}
            <span className="row" style={{ fontSize: 13, fontWeight: 400 }}>
              <SeverityMark severity={alert.severity} />
              <AlertStateMark state={alert.state} />
            </span>
          </span>
        }
        hint={back}
        extra={<AlertActions alert={alert} />}
      />
      <div className="grid" style={{ gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 440px), 1fr))' }}>
        <div className="stack">
          <Card size="small" title={t('alert.what')}>
            <p style={{ marginTop: 0 }}>{alert.annotations.summary}</p>
            {alert.annotations.description && <p className="faint">{alert.annotations.description}</p>}
            <AlertFacts alert={alert} />
          </Card>
          {alert.expr && <AlertChart alert={alert} expr={alert.expr} />}
        </div>
        <div className="stack">
          <Card size="small" title={t('alert.why')}>
            <p style={{ marginTop: 0 }}>{alert.why ? <Reason text={alert.why} unit={unit} /> : t('alert.no_reason')}</p>
            <Link className="link" to={whyLink(alert.group, alert.rule)}>
              {t('alert.why_all')}
            </Link>
          </Card>
          <Card size="small" title={t('alert.timeline')}>
            <CommentForm alert={alert.id} />
            <AlertTimeline entries={alert.timeline} unit={unit} />
          </Card>
        </div>
      </div>
    </>
  );
}
