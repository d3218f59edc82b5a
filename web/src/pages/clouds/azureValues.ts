// Between the fields of an account of Azure and what travels.
import type { AccessOf } from '../../api/types';
import { onceEach, orNull } from './texts';

type Access = AccessOf<'azure'>;

export const AZURE_CREDENTIALS = ['service_principal', 'managed_identity', 'cli'] as const;
export const AZURE_CLOUDS = ['public', 'china', 'us_government'] as const;
export type AzureCloud = (typeof AZURE_CLOUDS)[number];

export interface AzureValues {
  credentials: (typeof AZURE_CREDENTIALS)[number];
  tenant: string;
  client_id: string;
  client_secret: string;
  /** The identity of the machine, where it has several. */
  identity: string;
  cloud: AzureCloud;
  subscriptions: string[];
  regions: string[];
  resource_group: string;
  endpoint: string;
  login_endpoint: string;
  metrics_endpoint: string;
  audience: string;
}

export const AZURE_START: AzureValues = {
  credentials: 'service_principal',
  tenant: '',
  client_id: '',
  client_secret: '',
  identity: '',
  cloud: 'public',
  subscriptions: [],
  regions: [],
  resource_group: '',
  endpoint: '',
  login_endpoint: '',
  metrics_endpoint: '',
  audience: '',
};

export function toAzureValues({ credentials, ...access }: Access): AzureValues {
  return {
    ...AZURE_START,
    credentials: credentials.kind,
    tenant: credentials.kind === 'managed_identity' ? '' : (credentials.tenant ?? ''),
    client_id: credentials.kind === 'service_principal' ? credentials.client_id : '',
    identity: credentials.kind === 'managed_identity' ? (credentials.client_id ?? '') : '',
    cloud: access.cloud ?? 'public',
    subscriptions: access.subscriptions ?? [],
    regions: access.regions ?? [],
    resource_group: access.resource_group ?? '',
    endpoint: access.endpoint ?? '',
    login_endpoint: access.login_endpoint ?? '',
    metrics_endpoint: access.metrics_endpoint ?? '',
    audience: access.audience ?? '',
  };
}

export function toAzureAccess(values: AzureValues): Access {
  const endpoint = orNull(values.endpoint);
  // These are about an endpoint of one's own, and are refused without it.
  const beside = (text: string) => (endpoint ? orNull(text) : null);
  return {
    provider: 'azure',
    credentials: toCredentials(values),
    subscriptions: onceEach(values.subscriptions),
    regions: onceEach(values.regions),
    cloud: values.cloud,
    resource_group: orNull(values.resource_group),
    endpoint,
    login_endpoint: beside(values.login_endpoint),
    metrics_endpoint: beside(values.metrics_endpoint),
    audience: beside(values.audience),
  };
}

function toCredentials(values: AzureValues): Access['credentials'] {
  switch (values.credentials) {
    case 'service_principal':
      return { kind: 'service_principal', tenant: values.tenant.trim(), client_id: values.client_id.trim(), client_secret: orNull(values.client_secret) };
    case 'managed_identity':
      return { kind: 'managed_identity', client_id: orNull(values.identity) };
    default:
      return { kind: 'cli', tenant: orNull(values.tenant) };
  }
}
