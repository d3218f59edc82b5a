// Between the form of a cloud account and what travels.
import type { CloudAccess, CloudAccount, CloudAccountRequest, CloudProvider } from '../../api/types';
import { AWS_START, type AwsValues, toAwsAccess, toAwsValues } from './awsValues';
import { AZURE_START, type AzureValues, toAzureAccess, toAzureValues } from './azureValues';
import { GCP_START, type GcpValues, toGcpAccess, toGcpValues } from './gcpValues';

export interface AccountValues {
  provider: CloudProvider;
  name: string;
  /** What was entered for a provider stays while another one is looked at. */
  aws: AwsValues;
  azure: AzureValues;
  gcp: GcpValues;
  interval_secs: number;
  monthly_budget_usd: number | null;
  enabled: boolean;
}

export const START: AccountValues = {
  provider: 'aws',
  name: '',
  aws: AWS_START,
  azure: AZURE_START,
  gcp: GCP_START,
  interval_secs: 300,
  monthly_budget_usd: null,
  enabled: true,
};

/** The account as the form shows it: its secrets are not there to be shown. */
export function toValues({ name, access, interval_secs, monthly_budget_usd, enabled }: CloudAccount): AccountValues {
  return {
    ...START,
    provider: access.provider,
    name,
    aws: access.provider === 'aws' ? toAwsValues(access) : AWS_START,
    azure: access.provider === 'azure' ? toAzureValues(access) : AZURE_START,
    gcp: access.provider === 'gcp' ? toGcpValues(access) : GCP_START,
    interval_secs,
    monthly_budget_usd: monthly_budget_usd ?? null,
    enabled,
  };
}

/** Secrets that are not typed anew travel as `null`, which keeps the stored ones. */
export function toAccess(values: AccountValues): CloudAccess {
  switch (values.provider) {
    case 'aws':
      return toAwsAccess(values.aws);
    case 'azure':
      return toAzureAccess(values.azure);
    default:
      return toGcpAccess(values.gcp);
  }
}

/** What is sent; how the account is opened only where that was changed, since it is tried then. */
export function toRequest(values: AccountValues, account?: CloudAccount): CloudAccountRequest {
  const access = toAccess(values);
  const isKept = account && JSON.stringify(access) === JSON.stringify(toAccess(toValues(account)));
  return {
    name: values.name.trim(),
    access: isKept ? null : access,
    interval_secs: values.interval_secs,
    monthly_budget_usd: values.monthly_budget_usd,
    enabled: values.enabled,
  };
}

/** Pauses an account or goes on with it; everything else stays. */
export function toPaused({ name, interval_secs, monthly_budget_usd, enabled }: CloudAccount): CloudAccountRequest {
  return { name, access: null, interval_secs, monthly_budget_usd, enabled: !enabled };
}

const SECRETS = ['secret_access_key', 'session_token', 'client_secret', 'key', 'configuration'];

/** Whether the secret half has to be typed: a stored one is kept only for its other half, and for where both are used. */
export function needsSecret(values: AccountValues, account?: CloudAccount): boolean {
  const halves = (access: CloudAccess) =>
    JSON.stringify([access.credentials, Object.entries(access).filter(([name]) => name.endsWith('endpoint'))], (name, value: unknown) => (SECRETS.includes(name) ? null : value));
  return !account || halves(toAccess(values)) !== halves(toAccess(toValues(account)));
}
