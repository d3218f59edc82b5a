import { Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { NOTHING } from '../format/numbers';
import { formatAbsolute, formatClock, formatRelative } from '../format/time';
import { useNow } from './useNow';

interface Props {
  ms: number | null | undefined;
  absolute?: boolean;
}

/** "3 minutes ago" with the absolute time on hover; or the other way round. */
export function TimeText({ ms, absolute }: Props) {
  const { i18n } = useTranslation();
  const now = useNow();
  if (ms === null || ms === undefined) return <span className="faint">{NOTHING}</span>;
  // What has just happened may lie after the last tick of the clock; it is no future.
  const relative = formatRelative(ms, ms > now && ms - now < 20_000 ? ms : now, i18n.language);
  const exact = formatAbsolute(ms, i18n.language);
  return (
    <Tooltip title={absolute ? relative : exact}>
      <time dateTime={new Date(ms).toISOString()} className="num">
        {absolute ? formatClock(ms, i18n.language) : relative}
      </time>
    </Tooltip>
  );
}
