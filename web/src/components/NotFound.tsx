import { Button, Result } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Result
      status="404"
      title={t('common.not_found')}
      extra={
        <Link to="/overview" tabIndex={-1}>
          <Button>{t('menu.overview')}</Button>
        </Link>
      }
    />
  );
}
