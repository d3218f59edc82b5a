import { Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Navigate, useNavigate, useSearchParams } from 'react-router';
import { ApiError } from '../../api/client';
import { useResource } from '../../api/hooks';
import { type Credentials, useSession, useSignIn } from '../../api/session';
import type { RegistrationMode } from '../../api/types';
import { AuthLayout } from '../../components/AuthLayout';
import { ErrorPanel } from '../../components/ErrorPanel';
import { SecondFactor } from './SecondFactor';

/** Only paths of this interface may be returned to after the login. */
export function safeReturn(path: string | null): string {
  return path && /^\/(?![/\\])/.test(path) ? path : '/overview';
}

export default function LoginPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [parameters] = useSearchParams();
  const session = useSession();
  const signIn = useSignIn();
  const setup = useResource<{ needed: boolean }>('setup');
  const registration = useResource<{ mode: RegistrationMode }>('registration');
  const [waiting, setWaiting] = useState<Credentials>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const target = safeReturn(parameters.get('back'));

  const submit = async (credentials: Credentials) => {
    setBusy(true);
    setError(undefined);
    try {
      await signIn(credentials);
      await navigate(target, { replace: true });
    } catch (failure) {
      const asksForCode = failure instanceof ApiError && failure.code === 'totp_required';
      if (asksForCode) setWaiting({ name: credentials.name, password: credentials.password });
      // Being asked for the code is a step; being asked again means that the code was wrong.
      if (!asksForCode || waiting) setError(failure);
    } finally {
      setBusy(false);
    }
  };

  if (setup.data?.needed) return <Navigate to="/setup" replace />;
  if (session.data && !busy) return <Navigate to={target} replace />;
  const required = [{ required: true, message: t('common.required') }];
  return (
    <AuthLayout title={waiting ? t('login.second_factor') : t('login.title')} hint={waiting ? t('login.second_factor_hint') : undefined}>
      {waiting ? (
        <SecondFactor busy={busy} onCode={(code) => void submit({ ...waiting, ...code })} onBack={() => setWaiting(undefined)} />
      ) : (
        <Form<Credentials> layout="vertical" requiredMark={false} onFinish={(values) => void submit(values)} style={{ marginTop: 14 }}>
          <Form.Item name="name" label={t('login.name')} rules={required}>
            <Input autoFocus autoComplete="username" />
          </Form.Item>
          <Form.Item name="password" label={t('login.password')} rules={required}>
            <Input.Password autoComplete="current-password" />
          </Form.Item>
          <Button type="primary" htmlType="submit" block loading={busy}>
            {t('login.submit')}
          </Button>
        </Form>
      )}
      {error !== undefined && <div style={{ marginTop: 12 }}><ErrorPanel error={error} /></div>}
      {!waiting && registration.data && registration.data.mode !== 'closed' && (
        <p style={{ margin: '14px 0 0', textAlign: 'center' }}>
          <Link className="link" to="/register">
            {t('login.register')}
          </Link>
        </p>
      )}
    </AuthLayout>
  );
}
