import { Form, Input, Result, Spin } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { request } from '../../api/client';
import { useResource } from '../../api/hooks';
import type { RegistrationMode } from '../../api/types';
import { AuthForm } from '../../components/AuthForm';
import { AuthLayout } from '../../components/AuthLayout';
import { ErrorPanel } from '../../components/ErrorPanel';
import { type NewAccount, newAccount, NewAccountFields } from '../../components/NewAccountFields';
import { useSubmit } from '../../components/useSubmit';

interface Values extends NewAccount {
  invitation?: string;
}

/** Registration, as far as the administrators allow it. */
export default function RegisterPage() {
  const { t } = useTranslation();
  const [parameters] = useSearchParams();
  const registration = useResource<{ mode: RegistrationMode }>('registration');
  const [done, setDone] = useState(false);
  const { busy, error, submit } = useSubmit();
  const mode = registration.data?.mode;
  const invitation = parameters.get('code') ?? '';

  const register = (values: Values) =>
    submit(async () => {
      await request('POST', 'registration', { body: newAccount(values) });
      setDone(true);
    });
  const login = (
    <Link className="link" to="/login">
      {t('register.to_login')}
    </Link>
  );
  if (done) {
    // With an invitation nobody has to approve.
    return (
      <AuthLayout title={t('register.title')}>
        <Result status="success" title={mode === 'open' && !invitation ? t('register.waiting') : t('register.done')} extra={login} />
      </AuthLayout>
    );
  }
  if (!mode) {
    return (
      <AuthLayout title={t('register.title')}>
        {registration.error ? <ErrorPanel error={registration.error} retry={() => void registration.refetch()} /> : <Spin />}
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
  return (
    <AuthLayout title={t('register.title')} hint={mode === 'open' && !invitation ? t('register.open_hint') : t('register.invitation_hint')}>
      <AuthForm<Values> submitText={t('register.submit')} busy={busy} error={error} initialValues={{ invitation }} onSubmit={(values) => void register(values)}>
        {(mode === 'invitation' || invitation) && (
          <Form.Item name="invitation" label={t('register.invitation')} rules={[{ required: true, message: t('common.required') }]}>
            <Input className="mono" autoComplete="off" />
          </Form.Item>
        )}
        <NewAccountFields />
      </AuthForm>
      <p style={{ margin: '14px 0 0', textAlign: 'center' }}>{login}</p>
    </AuthLayout>
  );
}
