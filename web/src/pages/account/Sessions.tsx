import { Button, Popconfirm } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { RevokedSessions } from '../../api/types';
import { SessionTable } from '../../components/SessionTable';
import { useNotice } from '../../components/useNotice';

/** One's own sessions; all the others can be ended at once. */
export function Sessions() {
  const { t } = useTranslation();
  const notice = useNotice();
  const change = useChange<RevokedSessions>();
  const endOthers = () =>
    change.mutate(
      { method: 'POST', path: 'me/sessions/revoke' },
      { onSuccess: ({ revoked }) => notice.done(t('account.others_ended', { count: revoked })), onError: notice.failed },
    );
  return (
    <SessionTable
      path="me/sessions"
      toolbar={
        <Popconfirm title={t('account.end_others_confirm')} okText={t('account.end_session')} onConfirm={endOthers}>
          <Button loading={change.isPending}>{t('account.end_others')}</Button>
        </Popconfirm>
      }
    />
  );
}
