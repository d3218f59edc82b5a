import { Button, Card, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import { useSession } from '../../api/session';
import { ErrorPanel } from '../../components/ErrorPanel';
import { useNotice } from '../../components/useNotice';

export function ProfileForm() {
  const { t } = useTranslation();
  const notice = useNotice();
  const { data: session } = useSession();
  const change = useChange(['session']);
  if (!session) return null;
  const { user } = session;
  return (
    <Card size="small" title={t('account.profile')}>
      <p className="faint" style={{ marginTop: 0 }}>
        {user.name} · {t(`roles.${user.role}`)}
      </p>
      <Form
        layout="vertical"
        initialValues={{ display_name: user.display_name, email: user.email ?? '' }}
        onFinish={(body) => change.mutate({ method: 'PATCH', path: 'me', body }, { onSuccess: () => notice.done(t('common.saved')) })}
      >
        <Form.Item name="display_name" label={t('account.display_name')}>
          <Input autoComplete="name" />
        </Form.Item>
        <Form.Item name="email" label={t('account.email')}>
          <Input type="email" autoComplete="email" />
        </Form.Item>
        <Button htmlType="submit" loading={change.isPending}>
          {t('common.save')}
        </Button>
      </Form>
      {change.error && <ErrorPanel error={change.error} />}
    </Card>
  );
}
