import { Timeline } from 'antd';
import { useTranslation } from 'react-i18next';
import type { TimelineEntry } from '../../api/types';
import { TimeText } from '../../components/TimeText';
import type { Unit } from '../../format/numbers';
import { readableValue } from '../../format/readable';

const COLOURS: Record<string, string> = {
  firing: 'red',
  pending: 'orange',
  resolved: 'green',
  acknowledged: 'blue',
  commented: 'blue',
  notification_failed: 'red',
  flapping_started: 'orange',
};

interface Props {
  entries: TimelineEntry[];
  /** Of the values that the alert had. */
  unit: Unit;
}

/** What happened to the alert, the newest first. */
export function AlertTimeline({ entries, unit }: Props) {
  const { t, i18n } = useTranslation();
  const kind = (name: string) => (i18n.exists(`alert.event.${name}`) ? t(`alert.event.${name}`) : name);
  const detail = ({ kind: what, detail: text }: TimelineEntry) => {
    const shown = readableValue(text, unit, i18n.language);
    return what === 'pending' || what === 'firing' ? t('alert.value_was', { value: shown }) : shown;
  };
  return (
    <Timeline
      style={{ marginTop: 6 }}
      items={[...entries].reverse().map((entry) => ({
        color: COLOURS[entry.kind] ?? 'gray',
        content: (
          <>
            <strong>{kind(entry.kind)}</strong>
            {entry.actor && <> · {entry.actor}</>} <span className="faint"><TimeText ms={entry.time_ms} absolute /></span>
            {entry.detail && <div style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>{detail(entry)}</div>}
          </>
        ),
      }))}
    />
  );
}
