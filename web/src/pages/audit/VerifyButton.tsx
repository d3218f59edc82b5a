import { SafetyCertificateOutlined } from '@ant-design/icons';
import { App, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { AuditVerification } from '../../api/types';
import { useNotice } from '../../components/useNotice';

/** Has the server check the whole chain. */
export function VerifyButton() {
  const { t } = useTranslation();
  const { modal } = App.useApp();
  const notice = useNotice();
  const change = useChange<AuditVerification>();
  const verify = () =>
    change.mutate(
      { method: 'POST', path: 'audit/verify' },
      {
        onSuccess: ({ ok, entries, first_bad }) =>
          void (ok ? modal.success : modal.error)({
            title: ok ? t('audit.intact') : t('audit.tampered'),
            content: ok
              ? t('audit.intact_detail', { count: entries })
              : t('audit.tampered_detail', { seq: first_bad?.seq, problem: first_bad?.problem }),
          }),
        onError: notice.failed,
      },
    );
  return (
    <Button icon={<SafetyCertificateOutlined />} loading={change.isPending} onClick={verify}>
      {t('audit.verify')}
    </Button>
  );
}
