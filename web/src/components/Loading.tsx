import { Spin } from 'antd';
import { useTranslation } from 'react-i18next';

/** Something is on its way; takes the room that it will need, so that nothing jumps. */
export function Loading({ height = 120 }: { height?: number | string }) {
  const { t } = useTranslation();
  return (
    <div role="status" aria-label={t('common.loading')} style={{ height, display: 'grid', placeItems: 'center' }}>
      <Spin />
    </div>
  );
}
