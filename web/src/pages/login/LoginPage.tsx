import { Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Navigate, useNavigate, useSearchParams } from 'react-router';
import { ApiError } from '../../api/client';
import { useResource } from '../../api/hooks';
import { type Credentials, useSession, useSessionEnded, useSignIn } from '../../api/session';
import type { RegistrationMode } from '../../api/types';
import { AuthForm } from '../../components/AuthForm';
import { AuthLayout } from '../../components/AuthLayout';
import { useSubmit } from '../../components/useSubmit';
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
  const ended = useSessionEnded();
  const signIn = useSignIn();
  const setup = useResource<{ needed: boolean }>('setup');
  const registration = useResource<{ mode: RegistrationMode }>('registration');
  const [waiting, setWaiting] = useState<Credentials>();
  const { busy, error, submit, forget } = useSubmit();
  const back = parameters.get('back');
  const target = safeReturn(back);

  const enter = (credentials: Credentials) =>
    submit(async () => {
      try {
        await signIn(credentials);
        await navigate(target, { replace: true });
      } catch (failure) {
        if (!(failure instanceof ApiError) || failure.code !== 'totp_required') throw failure;
        setWaiting({ name: credentials.name, password: credentials.password });
      }
    });
  const startAgain = () => {
    forget();
    setWaiting(undefined);
  };

  if (setup.data?.needed) return <Navigate to="/setup" replace />;
  if (session.data && !busy) return <Navigate to={target} replace />;
  if (waiting) {
    return (
      <AuthLayout title={t('login.second_factor')} hint={t('login.second_factor_hint')}>
        <SecondFactor busy={busy} error={error} onCode={(code) => void enter({ ...waiting, ...code })} onBack={startAgain} />
      </AuthLayout>
    );
  }
  const required = [{ required: true, message: t('common.required') }];
  return (
    <AuthLayout title={t('login.title')} hint={back ? (ended ? t('login.ended') : t('login.go_on')) : undefined}>
      <AuthForm<Credentials> submitText={t('login.submit')} busy={busy} error={error} onSubmit={(values) => void enter(values)}>
        <Form.Item name="name" label={t('login.name')} rules={required}>
          <Input autoFocus autoComplete="username" />
        </Form.Item>
        <Form.Item name="password" label={t('login.password')} rules={required}>
          <Input.Password autoComplete="current-password" />
        </Form.Item>
      </AuthForm>
      {registration.data && registration.data.mode !== 'closed' && (
        <p style={{ margin: '14px 0 0', textAlign: 'center' }}>
          <Link className="link" to="/register">
            {t('login.register')}
          </Link>
        </p>
      )}
    </AuthLayout>
  );
}
