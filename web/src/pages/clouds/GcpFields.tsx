import { Form } from 'antd';
import { useTranslation } from 'react-i18next';
import type { CloudAccount } from '../../api/types';
import { needsSecret } from './accountValues';
import { CredentialsField } from './CredentialsField';
import { DocumentField } from './DocumentField';
import { EndpointField } from './EndpointField';
import { GCP_REGIONS, isGcpRegion } from './gcpRegions';
import { GCP_CREDENTIALS } from './gcpValues';
import { IdsField } from './IdsField';
import { RegionsField } from './RegionsField';
import { useAccountValues } from './useAccountValues';

const PROJECT = /^\s*([a-z\d.-]+:)?[a-z][a-z\d-]{0,62}\s*$/;

/** Whose rights are used, and in which projects and regions is looked. */
export function GcpFields({ account }: { account?: CloudAccount }) {
  const { t } = useTranslation();
  const values = useAccountValues();
  const { credentials } = values.gcp;
  const isNeeded = needsSecret(values, account);
  // Only a key says of which project it is.
  const isNamed = credentials === 'service_account_key';
  return (
    <>
      <CredentialsField provider="gcp" kinds={GCP_CREDENTIALS} />
      {credentials === 'service_account_key' && <DocumentField key="key" name={['gcp', 'key']} type="service_account" label={t('clouds.gcp.key')} hint={t('clouds.gcp.key_hint')} isNeeded={isNeeded} />}
      {credentials === 'application_default' && <p className="faint" style={{ marginTop: 0 }}>{t('clouds.gcp.application_default_hint')}</p>}
      {credentials === 'workload_identity' && (
        <DocumentField key="configuration" name={['gcp', 'configuration']} type="external_account" label={t('clouds.gcp.configuration')} hint={t('clouds.gcp.configuration_hint')} isNeeded={isNeeded} />
      )}
      <IdsField
        name={['gcp', 'projects']}
        label={t('clouds.gcp.projects')}
        hint={t(isNamed ? 'clouds.gcp.projects_hint' : 'clouds.gcp.projects_needed_hint')}
        placeholder={isNamed ? t('clouds.gcp.project_of_key') : 'my-project-123456'}
        isNeeded={!isNamed}
        pattern={PROJECT}
        message={t('clouds.gcp.project_rule')}
      />
      <Form.Item name={['gcp', 'regions']} label={t('clouds.regions')} extra={t('clouds.regions_hint')}>
        <RegionsField known={GCP_REGIONS} isRegion={isGcpRegion} example="europe-west3" />
      </Form.Item>
    </>
  );
}

export function GcpRareFields() {
  const { t } = useTranslation();
  return <EndpointField name={['gcp', 'endpoint']} label={t('clouds.endpoint')} hint={t('clouds.gcp.endpoint_hint')} example="https://{service}-mine.p.googleapis.com" />;
}
