import { Form, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { CloudAccount } from '../../api/types';
import { needsSecret } from './accountValues';
import { AZURE_REGIONS, isAzureRegion } from './azureRegions';
import { AZURE_CLOUDS, AZURE_CREDENTIALS } from './azureValues';
import { CredentialsField } from './CredentialsField';
import { EndpointField } from './EndpointField';
import { IdsField } from './IdsField';
import { RegionsField } from './RegionsField';
import { SecretField } from './SecretField';
import { useAccountValues } from './useAccountValues';

const UUID = /^\s*[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\s*$/i;
const TENANT = /^\s*[a-z\d][a-z\d.-]*\s*$/i;
const RESOURCE_GROUP = /^[\p{Alphabetic}\p{N}_.()-]{0,89}[\p{Alphabetic}\p{N}_()-]$/u;
const EXAMPLE_ID = '0b1f6471-1bf0-4dda-aec3-111122223333';

/** Whose rights are used, and in which cloud, subscriptions and locations is looked. */
export function AzureFields({ account }: { account?: CloudAccount }) {
  const { t } = useTranslation();
  const values = useAccountValues();
  const { credentials, cloud } = values.azure;
  const required = { required: true, whitespace: true, message: t('common.required') };
  const isId = { pattern: UUID, message: t('clouds.azure.id_rule', { example: EXAMPLE_ID }) };
  const isTenant = { pattern: TENANT, message: t('clouds.azure.tenant_rule') };
  return (
    <>
      <CredentialsField provider="azure" kinds={AZURE_CREDENTIALS} />
      {credentials === 'service_principal' && (
        <>
          <Form.Item name={['azure', 'tenant']} label={t('clouds.azure.tenant')} extra={t('clouds.azure.tenant_hint')} rules={[required, isTenant]}>
            <Input className="mono" placeholder="contoso.onmicrosoft.com" maxLength={256} />
          </Form.Item>
          <Form.Item name={['azure', 'client_id']} label={t('clouds.azure.client_id')} rules={[required, isId]}>
            <Input className="mono" placeholder={EXAMPLE_ID} maxLength={64} />
          </Form.Item>
          <SecretField name={['azure', 'client_secret']} label={t('clouds.azure.client_secret')} hint={t('clouds.azure.client_secret_hint')} isNeeded={needsSecret(values, account)} />
        </>
      )}
      {credentials === 'managed_identity' && (
        <Form.Item name={['azure', 'identity']} label={`${t('clouds.azure.identity')} (${t('common.optional')})`} extra={t('clouds.azure.identity_hint')} rules={[isId]}>
          <Input className="mono" placeholder={EXAMPLE_ID} maxLength={64} />
        </Form.Item>
      )}
      {credentials === 'cli' && (
        <Form.Item name={['azure', 'tenant']} label={`${t('clouds.azure.tenant')} (${t('common.optional')})`} extra={t('clouds.azure.cli_hint')} rules={[isTenant]}>
          <Input className="mono" placeholder="contoso.onmicrosoft.com" maxLength={256} />
        </Form.Item>
      )}
      <Form.Item name={['azure', 'cloud']} label={t('clouds.azure.cloud.title')}>
        <Select options={AZURE_CLOUDS.map((value) => ({ value, label: t(`clouds.azure.cloud.${value}`) }))} />
      </Form.Item>
      <IdsField name={['azure', 'subscriptions']} label={t('clouds.azure.subscriptions')} hint={t('clouds.azure.subscriptions_hint')} placeholder={t('clouds.azure.all_subscriptions')} {...isId} />
      <Form.Item name={['azure', 'regions']} label={t('clouds.regions')} extra={t('clouds.regions_hint')}>
        <RegionsField known={AZURE_REGIONS[cloud]} isRegion={isAzureRegion} example={AZURE_REGIONS[cloud][0]} />
      </Form.Item>
    </>
  );
}

export function AzureRareFields() {
  const { t } = useTranslation();
  const { endpoint } = useAccountValues().azure;
  return (
    <>
      <Form.Item name={['azure', 'resource_group']} label={t('clouds.azure.resource_group')} extra={t('clouds.azure.resource_group_hint')} rules={[{ pattern: RESOURCE_GROUP, message: t('clouds.azure.resource_group_rule') }]}>
        <Input maxLength={90} />
      </Form.Item>
      <EndpointField name={['azure', 'endpoint']} label={t('clouds.endpoint')} hint={t('clouds.azure.endpoint_hint')} example="https://management.example.com" />
      {endpoint.trim() && (
        <>
          <EndpointField name={['azure', 'login_endpoint']} label={t('clouds.azure.login_endpoint')} hint={t('clouds.azure.same_endpoint')} example="https://login.example.com" />
          <EndpointField name={['azure', 'metrics_endpoint']} label={t('clouds.azure.metrics_endpoint')} hint={t('clouds.azure.metrics_endpoint_hint')} example="https://{region}.metrics.example.com" />
          <Form.Item name={['azure', 'audience']} label={t('clouds.azure.audience')} extra={t('clouds.azure.audience_hint')}>
            <Input className="mono" placeholder="https://management.example.com" maxLength={2048} />
          </Form.Item>
        </>
      )}
    </>
  );
}
