import { Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';

/** How a person is called and reached. */
export function PersonFields({ optional }: { optional?: boolean }) {
  const { t } = useTranslation();
  const placeholder = optional ? t('common.optional') : undefined;
  return (
    <>
      <Form.Item name="display_name" label={t('account.display_name')}>
        <Input autoComplete="name" maxLength={120} placeholder={placeholder} />
      </Form.Item>
      <Form.Item name="email" label={t('account.email')} rules={[{ type: 'email', message: t('account.email_rule') }]}>
        <Input inputMode="email" autoComplete="email" placeholder={placeholder} />
      </Form.Item>
    </>
  );
}
