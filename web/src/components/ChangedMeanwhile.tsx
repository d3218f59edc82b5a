import { Alert, Button } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  onTheirs: () => void;
  onMine: () => void;
  /** What is stored now. */
  children?: ReactNode;
}

/** Somebody else saved what is being edited here: what was typed stays until one has chosen. */
export function ChangedMeanwhile({ onTheirs, onMine, children }: Props) {
  const { t } = useTranslation();
  return (
    <Alert
      type="warning"
      showIcon
      role="alert"
      title={t('meanwhile.changed')}
      description={
        <div className="stack">
          <span>{t('meanwhile.changed_hint')}</span>
          {children && (
            <details>
              <summary className="link">{t('meanwhile.show')}</summary>
              <div style={{ marginTop: 8 }}>{children}</div>
            </details>
          )}
          <div className="row">
            <Button size="small" onClick={onMine}>
              {t('meanwhile.mine')}
            </Button>
            <Button size="small" onClick={onTheirs}>
              {t('meanwhile.theirs')}
            </Button>
          </div>
        </div>
      }
    />
  );
}

/** Somebody else deleted what is being edited here. */
export function DeletedMeanwhile() {
  const { t } = useTranslation();
  return <Alert type="warning" showIcon role="alert" title={t('meanwhile.deleted')} description={t('meanwhile.deleted_hint')} />;
}
