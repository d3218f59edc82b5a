import { Form, Input, Space, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import type { CloudAccount } from '../../api/types';
import { needsSecret } from './accountValues';
import { AWS_REGIONS, isAwsRegion } from './awsRegions';
import { AWS_CREDENTIALS } from './awsValues';
import { CredentialsField } from './CredentialsField';
import { EndpointField } from './EndpointField';
import { RegionsField } from './RegionsField';
import { SecretField } from './SecretField';
import { useAccountValues } from './useAccountValues';

const ROLE = /^arn:.+:role\/.+/;

/** Whose rights are used, the role that is assumed with them, and where is looked. */
export function AwsFields({ account }: { account?: CloudAccount }) {
  const { t } = useTranslation();
  const values = useAccountValues();
  const { credentials, assumes_role } = values.aws;
  const required = [{ required: true, whitespace: true, message: t('common.required') }];
  return (
    <>
      <CredentialsField provider="aws" kinds={AWS_CREDENTIALS} />
      {credentials === 'keys' && (
        <div className="grid" style={{ columnGap: 16, rowGap: 0, gridTemplateColumns: 'repeat(auto-fit, minmax(min(100%, 250px), 1fr))' }}>
          <Form.Item name={['aws', 'access_key_id']} label={t('clouds.aws.access_key_id')} rules={required}>
            <Input className="mono" placeholder="AKIA…" maxLength={128} />
          </Form.Item>
          <SecretField name={['aws', 'secret_access_key']} label={t('clouds.aws.secret_access_key')} isNeeded={needsSecret(values, account)} />
        </div>
      )}
      {credentials === 'profile' && (
        <Form.Item name={['aws', 'profile']} label={t('clouds.aws.profile')} extra={t('clouds.aws.profile_hint')} rules={required}>
          <Input placeholder="default" maxLength={128} />
        </Form.Item>
      )}
      {credentials === 'instance_role' && <p className="faint" style={{ marginTop: 0 }}>{t('clouds.aws.instance_role_hint')}</p>}
      <Form.Item style={{ marginBottom: 12 }}>
        <Space>
          <Form.Item name={['aws', 'assumes_role']} valuePropName="checked" noStyle>
            <Switch size="small" />
          </Form.Item>
          <label htmlFor="aws_assumes_role">{t('clouds.aws.assume_role')}</label>
        </Space>
      </Form.Item>
      {assumes_role && (
        <>
          <Form.Item name={['aws', 'role_arn']} label={t('clouds.aws.role_arn')} extra={t('clouds.aws.role_hint')} rules={[...required, { pattern: ROLE, message: t('clouds.aws.role_rule') }]}>
            <Input className="mono" placeholder="arn:aws:iam::123456789012:role/yunhai" maxLength={2048} />
          </Form.Item>
          <Form.Item name={['aws', 'external_id']} label={`${t('clouds.aws.external_id')} (${t('common.optional')})`} extra={t('clouds.aws.external_id_hint')}>
            <Input className="mono" maxLength={1224} />
          </Form.Item>
        </>
      )}
      <Form.Item name={['aws', 'regions']} label={t('clouds.regions')} extra={t('clouds.aws.regions_hint')}>
        <RegionsField known={AWS_REGIONS} isRegion={isAwsRegion} example="eu-central-1" />
      </Form.Item>
    </>
  );
}

export function AwsRareFields() {
  const { t } = useTranslation();
  const { credentials } = useAccountValues().aws;
  return (
    <>
      {credentials === 'keys' && (
        <Form.Item name={['aws', 'session_token']} label={t('clouds.aws.session_token')} extra={t('clouds.aws.session_token_hint')}>
          <Input.Password autoComplete="off" />
        </Form.Item>
      )}
      <EndpointField name={['aws', 'endpoint']} label={t('clouds.endpoint')} hint={t('clouds.aws.endpoint_hint')} example="https://ec2.example.com" />
    </>
  );
}
