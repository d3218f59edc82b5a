import { Tag } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

/** The name of something that can be switched off, and whether it is. */
export function EnabledName({ name, enabled, children }: { name: string; enabled: boolean; children?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <span className="row">
      <strong>{name}</strong>
      {children}
      {!enabled && <Tag>{t('channels.off')}</Tag>}
    </span>
  );
}
