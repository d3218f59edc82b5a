import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ErrorPanel } from './ErrorPanel';
import { PageHeader } from './PageHeader';

/** A page that has nothing to show: what went wrong, and the way back. */
export function PageFailed({ title, back, error, retry }: { title?: string; back: ReactNode; error: unknown; retry: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader title={title ?? t('common.page_failed')} hint={back} />
      <ErrorPanel error={error} retry={retry} />
    </>
  );
}
