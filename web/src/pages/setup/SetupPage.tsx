import { Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { Navigate, useNavigate } from 'react-router';
import { request } from '../../api/client';
import { useResource } from '../../api/hooks';
import { useSignIn } from '../../api/session';
import { AuthForm } from '../../components/AuthForm';
import { AuthLayout } from '../../components/AuthLayout';
import { type NewAccount, newAccount, NewAccountFields } from '../../components/NewAccountFields';
import { useSubmit } from '../../components/useSubmit';

interface Values extends NewAccount {
  code: string;
}

/** Creates the first administrator with the code that the server printed. */
export default function SetupPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const signIn = useSignIn();
  const setup = useResource<{ needed: boolean }>('setup');
  const { busy, error, submit } = useSubmit();

  const create = (values: Values) =>
    submit(async () => {
      const account = newAccount(values);
      await request('POST', 'setup', { body: account });
      await signIn({ name: account.name, password: account.password });
      await navigate('/overview');
    });
  if (setup.data && !setup.data.needed && !busy) return <Navigate to="/login" replace />;
  return (
    <AuthLayout title={t('setup.title')} hint={t('setup.hint')}>
      <AuthForm<Values> submitText={t('setup.create')} busy={busy} error={error} onSubmit={(values) => void create(values)}>
        <Form.Item name="code" label={t('setup.code')} extra={t('setup.code_hint')} rules={[{ required: true, message: t('common.required') }]}>
          <Input autoFocus autoComplete="off" className="mono" placeholder="XXXX-XXXX-XXXX" />
        </Form.Item>
        <NewAccountFields />
      </AuthForm>
    </AuthLayout>
  );
}
