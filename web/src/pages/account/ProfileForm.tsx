import { Button, Card, Form } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import { useSession } from '../../api/session';
import { ErrorPanel } from '../../components/ErrorPanel';
import { PersonFields } from '../../components/PersonFields';
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
        requiredMark={false}
        initialValues={{ display_name: user.display_name, email: user.email ?? '' }}
        onFinish={(body) => change.mutate({ method: 'PATCH', path: 'me', body }, { onSuccess: () => notice.done(t('common.saved')) })}
      >
        <PersonFields />
        <Button htmlType="submit" loading={change.isPending}>
          {t('common.save')}
        </Button>
      </Form>
      {change.error && <ErrorPanel error={change.error} />}
    </Card>
  );
}
