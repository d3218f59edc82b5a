import { Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { PasswordField } from './PasswordField';
import { PersonFields } from './PersonFields';

export interface NewAccount {
  name: string;
  password: string;
  display_name?: string;
  email?: string;
}

/** The account to send: what was left empty is left out. */
export function newAccount<T extends NewAccount>(values: T): T {
  const filled = Object.entries(values).map(([field, value]) => [field, typeof value === 'string' && field !== 'password' ? value.trim() : value]);
  return Object.fromEntries(filled.filter(([, value]) => value)) as T;
}

/** What set-up and registration ask a person for. */
export function NewAccountFields() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item name="name" label={t('login.name')} rules={[{ required: true, message: t('common.required') }]}>
        <Input autoComplete="username" />
      </Form.Item>
      <PasswordField name="password" label={t('login.password')} />
      <PersonFields optional />
    </>
  );
}
