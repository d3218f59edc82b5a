import { Tooltip } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { NOTHING } from '../format/numbers';
import { formatAbsolute, formatClock, formatRelative } from '../format/time';

interface Props {
  ms: number | null | undefined;
  absolute?: boolean;
}

/** "3 minutes ago" with the absolute time on hover; or the other way round. */
export function TimeText({ ms, absolute }: Props) {
  const { i18n } = useTranslation();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 15_000);
    return () => clearInterval(timer);
  }, []);
  if (ms === null || ms === undefined) return <span className="faint">{NOTHING}</span>;
  const relative = formatRelative(ms, now, i18n.language);
  const exact = formatAbsolute(ms, i18n.language);
  return (
    <Tooltip title={absolute ? relative : exact}>
      <time dateTime={new Date(ms).toISOString()} className="num">
        {absolute ? formatClock(ms, i18n.language) : relative}
      </time>
    </Tooltip>
  );
}
