import { MoreOutlined } from '@ant-design/icons';
import { Button, Dropdown, Space } from 'antd';
import { useTranslation } from 'react-i18next';
import { type Change, useChange } from '../../api/hooks';
import { useSession } from '../../api/session';
import type { User } from '../../api/types';
import { useConfirm } from '../../components/useConfirm';
import { useNotice } from '../../components/useNotice';

interface Props {
  user: User;
  onEdit: () => void;
  onAccess: () => void;
}

/** What an administrator does with a user; the dangerous ones ask first. */
export function UserActions({ user, onEdit, onAccess }: Props) {
  const { t } = useTranslation();
  const confirm = useConfirm();
  const notice = useNotice();
  const { data: session } = useSession();
  const change = useChange();
  const own = session?.user.id === user.id;

  const run = (what: Change) => change.mutateAsync(what).then(() => notice.done(t('common.done')), notice.failed);
  const ask = (title: string, what: Change) => confirm({ title, content: user.name }, () => run(what));
  const path = `users/${user.id}`;

  const items = [
    { key: 'access', label: t('users.access'), onClick: onAccess },
    { key: 'sessions', label: t('users.end_sessions'), onClick: () => ask(t('users.end_sessions_confirm'), { method: 'POST', path: `${path}/sessions/revoke` }) },
    ...(user.totp_enabled && !own
      ? [{ key: 'totp', label: t('users.remove_totp'), onClick: () => ask(t('users.remove_totp_confirm'), { method: 'DELETE', path: `${path}/totp` }) }]
      : []),
    ...(own
      ? []
      : [
          user.state === 'disabled'
            ? { key: 'enable', label: t('users.enable'), onClick: () => void run({ method: 'PATCH', path, body: { enabled: true } }) }
            : { key: 'disable', label: t('users.disable'), onClick: () => ask(t('users.disable_confirm'), { method: 'PATCH', path, body: { enabled: false } }) },
          { key: 'delete', danger: true, label: t('common.delete'), onClick: () => ask(t('users.delete_confirm'), { method: 'DELETE', path }) },
        ]),
  ];
  return (
    <Space size={6}>
      {user.state === 'locked' && (
        <Button size="small" onClick={() => void run({ method: 'POST', path: `${path}/unlock` })}>
          {t('users.unlock')}
        </Button>
      )}
      {user.state === 'pending' && (
        <Button size="small" type="primary" onClick={() => void run({ method: 'POST', path: `${path}/approve` })}>
          {t('users.approve')}
        </Button>
      )}
      <Button size="small" onClick={onEdit}>
        {t('common.edit')}
      </Button>
      <Dropdown trigger={['click']} menu={{ items }}>
        <Button size="small" icon={<MoreOutlined />} aria-label={t('common.more')} />
      </Dropdown>
    </Space>
  );
}
