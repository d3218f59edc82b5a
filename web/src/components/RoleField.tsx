import { Form, Radio } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Role } from '../api/types';

export const ROLES: Role[] = ['admin', 'operator', 'viewer'];

/** The choice of a role, with what the chosen one may do. */
export function RoleField() {
  const { t } = useTranslation();
  const role = Form.useWatch<Role | undefined>('role', Form.useFormInstance()) ?? 'viewer';
  return (
    <Form.Item name="role" label={t('users.role')} extra={t(`roles.hint.${role}`)}>
      <Radio.Group optionType="button" options={ROLES.map((value) => ({ value, label: t(`roles.${value}`) }))} />
    </Form.Item>
  );
}
