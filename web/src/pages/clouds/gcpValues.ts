// Between the fields of an account of Google Cloud and what travels.
import type { AccessOf } from '../../api/types';
import { onceEach, orNull } from './texts';

type Access = AccessOf<'gcp'>;

export const GCP_CREDENTIALS = ['service_account_key', 'application_default', 'workload_identity'] as const;

export interface GcpValues {
  credentials: (typeof GCP_CREDENTIALS)[number];
  /** The whole content of the file of a service account's key. */
  key: string;
  /** The whole content of the file that says how this machine shows who it is. */
  configuration: string;
  projects: string[];
  regions: string[];
  endpoint: string;
}

export const GCP_START: GcpValues = { credentials: 'service_account_key', key: '', configuration: '', projects: [], regions: [], endpoint: '' };

export function toGcpValues({ credentials, projects, regions, endpoint }: Access): GcpValues {
  return { ...GCP_START, credentials: credentials.kind, projects: projects ?? [], regions: regions ?? [], endpoint: endpoint ?? '' };
}

export function toGcpAccess(values: GcpValues): Access {
  return {
    provider: 'gcp',
    credentials: toCredentials(values),
    projects: onceEach(values.projects),
    regions: onceEach(values.regions),
    endpoint: orNull(values.endpoint),
  };
}

function toCredentials(values: GcpValues): Access['credentials'] {
  switch (values.credentials) {
    case 'service_account_key':
      return { kind: 'service_account_key', key: orNull(values.key) };
    case 'workload_identity':
      return { kind: 'workload_identity', configuration: orNull(values.configuration) };
    default:
      return { kind: 'application_default' };
  }
}
