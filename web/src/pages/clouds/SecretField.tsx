import { Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';

/** A secret to be typed, or left empty where the stored one stays. */
export function SecretField({ name, label, hint, isNeeded }: { name: string[]; label: string; hint?: string; isNeeded: boolean }) {
  const { t } = useTranslation();
  const rules = isNeeded ? [{ required: true, whitespace: true, message: t('common.required') }] : [];
  return (
    <Form.Item name={name} label={label} rules={rules} extra={isNeeded ? (hint ?? t('clouds.secret_hint')) : t('channels.secret_kept')}>
      <Input.Password autoComplete="off" />
    </Form.Item>
  );
}
