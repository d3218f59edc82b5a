import { Form, Radio } from 'antd';
import { useTranslation } from 'react-i18next';
import type { CloudProvider } from '../../api/types';

/** Which kind of credentials a provider is shown. */
export function CredentialsField({ provider, kinds }: { provider: CloudProvider; kinds: readonly string[] }) {
  const { t } = useTranslation();
  return (
    <Form.Item name={[provider, 'credentials']} label={t('clouds.credentials.title')} style={{ marginBottom: 12 }}>
      <Radio.Group optionType="button" options={kinds.map((value) => ({ value, label: t(`clouds.credentials.${value}`) }))} />
    </Form.Item>
  );
}
