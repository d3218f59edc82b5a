import { Form, Input, Modal, Radio } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { Role, User } from '../../api/types';
import { ErrorPanel } from '../../components/ErrorPanel';
import { PasswordField } from '../../components/PasswordField';

interface Values {
  name: string;
  password?: string;
  role: Role;
  display_name?: string;
  email?: string;
}

const ROLES: Role[] = ['admin', 'operator', 'viewer'];

/** Creates a user or changes one. */
export function UserDialog({ user, onClose }: { user?: User; onClose: () => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Values>();
  const change = useChange();
  const role = Form.useWatch('role', form) ?? 'viewer';
  const save = ({ name, password, ...rest }: Values) =>
    change.mutate(
      user
        ? { method: 'PATCH', path: `users/${user.id}`, body: { ...rest, password: password || undefined } }
        : { method: 'POST', path: 'users', body: { name: name.trim(), password, ...rest, email: rest.email || undefined, display_name: rest.display_name || undefined } },
      { onSuccess: onClose },
    );
  return (
    <Modal
      open
      title={user ? t('users.edit_title', { name: user.name }) : t('users.new')}
      okText={t('common.save')}
      confirmLoading={change.isPending}
      onOk={form.submit}
      onCancel={onClose}
      width={480}
    >
      <Form<Values>
        form={form}
        layout="vertical"
        requiredMark={false}
        autoComplete="off"
        initialValues={{ name: user?.name ?? '', role: user?.role ?? 'viewer', display_name: user?.display_name, email: user?.email ?? undefined }}
        onFinish={save}
      >
        <Form.Item name="name" label={t('login.name')} rules={[{ required: true, message: t('common.required') }]}>
          <Input disabled={user !== undefined} autoComplete="off" />
        </Form.Item>
        {user ? (
          <Form.Item name="password" label={t('users.new_password')} extra={t('users.new_password_hint')}>
            <Input.Password autoComplete="new-password" />
          </Form.Item>
        ) : (
          <PasswordField name="password" label={t('users.first_password')} />
        )}
        <Form.Item name="role" label={t('users.role')} extra={t(`roles.hint.${role}`)}>
          <Radio.Group optionType="button" options={ROLES.map((value) => ({ value, label: t(`roles.${value}`) }))} />
        </Form.Item>
        <Form.Item name="display_name" label={t('account.display_name')}>
          <Input placeholder={t('common.optional')} />
        </Form.Item>
        <Form.Item name="email" label={t('account.email')}>
          <Input type="email" placeholder={t('common.optional')} />
        </Form.Item>
      </Form>
      {change.error && <ErrorPanel error={change.error} />}
    </Modal>
  );
}
