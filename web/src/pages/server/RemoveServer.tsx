import { DeleteOutlined } from '@ant-design/icons';
import { Button, Popconfirm } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useChange } from '../../api/hooks';
import { useNotice } from '../../components/useNotice';

/** Takes a server that sends no more off the list. */
export function RemoveServer({ server }: { server: string }) {
  const { t } = useTranslation();
  const notice = useNotice();
  const go = useNavigate();
  const change = useChange(['overview']);
  const remove = () =>
    change.mutate(
      { method: 'DELETE', path: `servers/${encodeURIComponent(server)}` },
      { onSuccess: () => void go('/servers', { replace: true }), onError: notice.failed },
    );
  return (
    <Popconfirm title={t('server.remove_confirm')} okText={t('common.remove')} okButtonProps={{ danger: true }} onConfirm={remove}>
      <Button danger icon={<DeleteOutlined />} loading={change.isPending}>
        {t('common.remove')}
      </Button>
    </Popconfirm>
  );
}
