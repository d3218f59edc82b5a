import { Button, Card, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import { ErrorPanel } from '../../components/ErrorPanel';
import { PasswordField } from '../../components/PasswordField';
import { useNotice } from '../../components/useNotice';

interface Values {
  current: string;
  new: string;
}

export function PasswordForm() {
  const { t } = useTranslation();
  const notice = useNotice();
  const [form] = Form.useForm<Values>();
  const change = useChange();
  const save = (body: Values) =>
    change.mutate(
      { method: 'POST', path: 'me/password', body },
      {
        onSuccess: () => {
          form.resetFields();
          notice.done(t('account.password_changed'));
        },
      },
    );
  return (
    <Card size="small" title={t('account.password')}>
      <Form<Values> form={form} layout="vertical" requiredMark={false} onFinish={save}>
        <Form.Item name="current" label={t('account.current_password')} rules={[{ required: true, message: t('common.required') }]}>
          <Input.Password autoComplete="current-password" />
        </Form.Item>
        <PasswordField name="new" label={t('account.new_password')} about={[]} />
        <Button htmlType="submit" loading={change.isPending}>
          {t('account.change_password')}
        </Button>
      </Form>
      {change.error && <ErrorPanel error={change.error} />}
    </Card>
  );
}
