import { Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';

const ENDPOINT = /^\s*https?:\/\/[^@\s?#]+\s*$/;

/** Where is asked instead of the provider's own address. */
export function EndpointField({ name, label, hint, example }: { name: string[]; label: string; hint: string; example: string }) {
  const { t } = useTranslation();
  return (
    <Form.Item name={name} label={label} extra={hint} rules={[{ pattern: ENDPOINT, message: t('clouds.endpoint_rule') }]}>
      <Input className="mono" placeholder={example} inputMode="url" maxLength={2048} />
    </Form.Item>
  );
}
