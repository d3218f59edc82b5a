import { Timeline } from 'antd';
import { useTranslation } from 'react-i18next';
import type { TimelineEntry } from '../../api/types';
import { TimeText } from '../../components/TimeText';

const COLOURS: Record<string, string> = { firing: 'red', pending: 'orange', resolved: 'green', acknowledged: 'blue', notification_failed: 'red', failed: 'red' };

/** What happened to the alert, the newest first. */
export function AlertTimeline({ entries }: { entries: TimelineEntry[] }) {
  const { t, i18n } = useTranslation();
  const kind = (name: string) => (i18n.exists(`alert.event.${name}`) ? t(`alert.event.${name}`) : name);
  return (
    <Timeline
      style={{ marginTop: 6 }}
      items={[...entries].reverse().map((entry) => ({
        color: COLOURS[entry.kind] ?? 'gray',
        content: (
          <>
            <strong>{kind(entry.kind)}</strong>
            {entry.actor && <> · {entry.actor}</>} <span className="faint"><TimeText ms={entry.time_ms} absolute /></span>
            {entry.detail && <div style={{ overflowWrap: 'anywhere' }}>{entry.detail}</div>}
          </>
        ),
      }))}
    />
  );
}
