import { Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, useNavigate } from 'react-router';
import { request } from '../../api/client';
import { useResource } from '../../api/hooks';
import { useSignIn } from '../../api/session';
import { AuthLayout } from '../../components/AuthLayout';
import { ErrorPanel } from '../../components/ErrorPanel';
import { PasswordField } from '../../components/PasswordField';

interface Values {
  code: string;
  name: string;
  display_name?: string;
  email?: string;
  password: string;
}

/** Creates the first administrator with the code that the server printed. */
export default function SetupPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const signIn = useSignIn();
  const setup = useResource<{ needed: boolean }>('setup');
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);

  const submit = async (values: Values) => {
    setBusy(true);
    setError(undefined);
    try {
      await request('POST', 'setup', {
        body: { ...values, code: values.code.trim(), email: values.email || undefined, display_name: values.display_name || undefined },
      });
      await signIn({ name: values.name, password: values.password });
      await navigate('/overview');
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  if (setup.data && !setup.data.needed && !busy) return <Navigate to="/login" replace />;
  const required = [{ required: true, message: t('common.required') }];
  return (
    <AuthLayout title={t('setup.title')} hint={t('setup.hint')}>
      <Form<Values> layout="vertical" requiredMark={false} onFinish={(values) => void submit(values)}>
        <Form.Item name="code" label={t('setup.code')} extra={t('setup.code_hint')} rules={required}>
          <Input autoFocus autoComplete="off" className="mono" />
        </Form.Item>
        <Form.Item name="name" label={t('login.name')} rules={required}>
          <Input autoComplete="username" />
        </Form.Item>
        <PasswordField name="password" label={t('login.password')} />
        <Form.Item name="display_name" label={t('account.display_name')}>
          <Input autoComplete="name" placeholder={t('common.optional')} />
        </Form.Item>
        <Form.Item name="email" label={t('account.email')}>
          <Input type="email" autoComplete="email" placeholder={t('common.optional')} />
        </Form.Item>
        <Button type="primary" htmlType="submit" block loading={busy}>
          {t('setup.create')}
        </Button>
      </Form>
      {error !== undefined && <div style={{ marginTop: 12 }}><ErrorPanel error={error} /></div>}
    </AuthLayout>
  );
}
