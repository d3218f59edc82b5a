import { Button, Result } from 'antd';
import type { ComponentType } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type Permission, useMay } from '../api/session';

/** A page that this role has no use for, in place of one full of refusals. */
export function NotAllowed() {
  const { t } = useTranslation();
  return (
    <Result
      status="403"
      title={t('common.not_allowed')}
      subTitle={t('common.not_allowed_hint')}
      extra={
        <Link to="/overview" tabIndex={-1}>
          <Button>{t('menu.overview')}</Button>
        </Link>
      }
    />
  );
}

/** The page for those who have the permission. */
export function allowing(permission: Permission, Page: ComponentType): ComponentType {
  return function Allowed() {
    return useMay(permission) ? <Page /> : <NotAllowed />;
  };
}
