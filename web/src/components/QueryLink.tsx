import { CodeOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { exploreLink } from '../format/links';
import type { TimeRange } from './useTimeRange';

/** Leads to the query behind what is shown. */
export function QueryLink({ expr, range }: { expr: string; range?: Pick<TimeRange, 'from_ms' | 'to_ms' | 'preset'> }) {
  const { t } = useTranslation();
  return (
    <Link to={exploreLink(expr, range)} tabIndex={-1}>
      <Button type="text" size="small" icon={<CodeOutlined />} title={t('server.query')} aria-label={t('server.query')} />
    </Link>
  );
}
