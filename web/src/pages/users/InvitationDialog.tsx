import { Form, Input, InputNumber } from 'antd';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { Invitation, Role } from '../../api/types';
import { FormDialog } from '../../components/FormDialog';
import { RoleField } from '../../components/RoleField';

interface Values {
  role: Role;
  email?: string;
  valid_hours: number;
}

/** Makes an invitation and shows its link, once. */
export function InvitationDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const change = useChange<Invitation & { code: string }>();
  const code = change.data?.code;
  const save = (values: Values) =>
    change.mutate({ method: 'POST', path: 'invitations', body: { ...values, email: values.email?.trim() || undefined } });
  return (
    <FormDialog<Values>
      title={t('invitations.new')}
      okText={t('invitations.create')}
      change={change}
      made={code ? { text: `${window.location.origin}/register?code=${encodeURIComponent(code)}`, hint: t('invitations.shown_once') } : undefined}
      initialValues={{ role: 'viewer', valid_hours: 72 }}
      onSubmit={save}
      onClose={onClose}
    >
      <RoleField />
      <Form.Item name="email" label={t('invitations.email')} extra={t('invitations.email_hint')} rules={[{ type: 'email', message: t('account.email_rule') }]}>
        <Input inputMode="email" autoComplete="off" placeholder={t('common.optional')} />
      </Form.Item>
      <Form.Item name="valid_hours" label={t('invitations.valid')} rules={[{ required: true, message: t('common.required') }]}>
        <InputNumber min={1} max={720} suffix={t('invitations.hours')} style={{ width: 160 }} />
      </Form.Item>
    </FormDialog>
  );
}
