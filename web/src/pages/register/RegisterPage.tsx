import { Button, Form, Input, Result } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { request } from '../../api/client';
import { useResource } from '../../api/hooks';
import type { RegistrationMode } from '../../api/types';
import { AuthLayout } from '../../components/AuthLayout';
import { ErrorPanel } from '../../components/ErrorPanel';
import { PasswordField } from '../../components/PasswordField';

interface Values {
  name: string;
  password: string;
  display_name?: string;
  email?: string;
  invitation?: string;
}

export default function RegisterPage() {
  const { t } = useTranslation();
  const [parameters] = useSearchParams();
  const registration = useResource<{ mode: RegistrationMode }>('registration');
  const [done, setDone] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const mode = registration.data?.mode;

  const submit = async (values: Values) => {
    setBusy(true);
    setError(undefined);
    try {
      const body = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
      await request('POST', 'registration', { body });
      setDone(true);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const login = (
    <Link className="link" to="/login">
      {t('register.to_login')}
    </Link>
  );
  if (done) {
    return (
      <AuthLayout title={t('register.title')}>
        <Result status="success" title={mode === 'open' ? t('register.waiting') : t('register.done')} extra={login} />
      </AuthLayout>
    );
  }
  if (mode === 'closed') {
    return (
      <AuthLayout title={t('register.title')} hint={t('register.closed')}>
        {login}
      </AuthLayout>
    );
  }
  const required = [{ required: true, message: t('common.required') }];
  return (
    <AuthLayout title={t('register.title')} hint={mode === 'open' ? t('register.open_hint') : t('register.invitation_hint')}>
      <Form<Values>
        layout="vertical"
        requiredMark={false}
        initialValues={{ invitation: parameters.get('code') ?? '' }}
        onFinish={(values) => void submit(values)}
      >
        {mode === 'invitation' && (
          <Form.Item name="invitation" label={t('register.invitation')} rules={required}>
            <Input className="mono" autoComplete="off" />
          </Form.Item>
        )}
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
          {t('register.submit')}
        </Button>
      </Form>
      {error !== undefined && <div style={{ marginTop: 12 }}><ErrorPanel error={error} /></div>}
      <p style={{ margin: '14px 0 0', textAlign: 'center' }}>{login}</p>
    </AuthLayout>
  );
}
