import { Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { Role, User } from '../../api/types';
import { FormDialog } from '../../components/FormDialog';
import { type NewAccount, newAccount } from '../../components/NewAccountFields';
import { PasswordField } from '../../components/PasswordField';
import { PersonFields } from '../../components/PersonFields';
import { RoleField } from '../../components/RoleField';

interface Values extends NewAccount {
  role: Role;
}

const shown = ({ name, role, display_name, email }: User) => ({ name, role, display_name, email: email ?? '' });

/** What was changed, and nothing else: somebody else may be changing the rest. */
function changed(user: User, values: Partial<Values>): Partial<Values> {
  const before: Partial<Values> = shown(user);
  return Object.fromEntries(Object.entries(values).filter(([field, value]) => value !== before[field as keyof Values]));
}

/** Creates a user or changes one. */
export function UserDialog({ user, onClose }: { user?: User; onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChange();
  const save = ({ name, ...values }: Values) =>
    change.mutate(
      user
        ? { method: 'PATCH', path: `users/${user.id}`, body: changed(user, { ...values, password: values.password || undefined }) }
        : { method: 'POST', path: 'users', body: newAccount({ name, ...values }) },
      { onSuccess: onClose },
    );
  return (
    <FormDialog<Values>
      title={user ? t('users.edit_title', { name: user.name }) : t('users.new')}
      change={change}
      initialValues={user ? shown(user) : { role: 'viewer' }}
      onSubmit={save}
      onClose={onClose}
    >
      <Form.Item name="name" label={t('login.name')} rules={[{ required: true, message: t('common.required') }]}>
        <Input autoFocus={!user} disabled={user !== undefined} autoComplete="off" />
      </Form.Item>
      {user ? (
        <PasswordField name="password" label={t('users.new_password')} extra={t('users.new_password_hint')} optional />
      ) : (
        <PasswordField name="password" label={t('users.first_password')} />
      )}
      <RoleField />
      <PersonFields optional />
    </FormDialog>
  );
}
