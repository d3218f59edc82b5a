import { Modal, Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import type { User } from '../../api/types';
import { SessionTable } from '../../components/SessionTable';
import { TokenTable } from '../../components/TokenTable';

/** Where a user is signed in and which programs act for them. */
export function AccessDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal open title={t('users.access_title', { name: user.name })} footer={null} width={980} onCancel={onClose}>
      <Tabs
        destroyOnHidden
        items={[
          { key: 'sessions', label: t('account.sessions'), children: <SessionTable path={`users/${user.id}/sessions`} /> },
          { key: 'tokens', label: t('tokens.tab'), children: <TokenTable path={`users/${user.id}/tokens`} /> },
        ]}
      />
    </Modal>
  );
}
