import { Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useList } from '../../api/hooks';
import type { ServerRow } from '../../api/types';

export const PREVIOUS = 'previous';
const MOST = 4;

interface Props {
  server: string;
  value: string[];
  onChange: (value: string[]) => void;
}

/** What the charts are compared with: the period before, and other servers. */
export function CompareControl({ server, value, onChange }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const servers = useList<ServerRow>('servers', { q: typed, page_size: 20, sort: 'name' });
  const others = (servers.data?.items ?? []).filter(({ name }) => name !== server);
  return (
    <Select
      mode="multiple"
      aria-label={t('server.compare')}
      allowClear
      maxCount={MOST}
      showSearch={{ onSearch: setTyped, filterOption: false }}
      placeholder={t('server.compare')}
      style={{ minWidth: 210, maxWidth: '100%' }}
      value={value}
      onChange={onChange}
      options={[
        { value: PREVIOUS, label: t('server.with_previous') },
        ...(others.length > 0
          ? [{ label: t('server.other_servers'), options: others.map(({ name }) => ({ value: name, label: name })) }]
          : []),
      ]}
    />
  );
}
