import { Link } from 'react-router';
import type { AlertRow } from '../api/types';
import { serverLink } from '../format/links';
import { AlertStateMark, SeverityMark } from './StateMarks';
import { TimeText } from './TimeText';

/** A few alerts, one a line (a few lines each on a phone); `server` says whether theirs is named. */
export function AlertLines({ alerts, server = true }: { alerts: AlertRow[]; server?: boolean }) {
  return (
    <div>
      {alerts.map((alert) => (
        <div key={alert.id} className="alert-line">
          <SeverityMark severity={alert.severity} />
          <span className="wide" style={{ overflowWrap: 'anywhere' }}>
            <Link className="link" to={`/alerts/${alert.id}`}>
              {alert.rule}
            </Link>{' '}
            <span className="faint">{alert.annotations.summary}</span>
          </span>
          {server && alert.labels.server ? (
            <Link className="link wide" to={serverLink(alert.labels.server)}>
              {alert.labels.server}
            </Link>
          ) : (
            <span className="wide" />
          )}
          <AlertStateMark state={alert.state} />
          <span className="end">
            <TimeText ms={alert.fired_at_ms ?? alert.started_at_ms} />
          </span>
        </div>
      ))}
    </div>
  );
}
