// Between the fields of an account of AWS and what travels.
import type { AccessOf } from '../../api/types';
import { onceEach, orNull } from './texts';

type Access = AccessOf<'aws'>;

export const AWS_CREDENTIALS = ['keys', 'profile', 'instance_role'] as const;

export interface AwsValues {
  credentials: (typeof AWS_CREDENTIALS)[number];
  access_key_id: string;
  secret_access_key: string;
  session_token: string;
  profile: string;
  assumes_role: boolean;
  role_arn: string;
  external_id: string;
  regions: string[];
  endpoint: string;
}

export const AWS_START: AwsValues = {
  credentials: 'keys',
  access_key_id: '',
  secret_access_key: '',
  session_token: '',
  profile: '',
  assumes_role: false,
  role_arn: '',
  external_id: '',
  regions: [],
  endpoint: '',
};

export function toAwsValues({ credentials, role, regions, endpoint }: Access): AwsValues {
  return {
    ...AWS_START,
    credentials: credentials.kind,
    access_key_id: credentials.kind === 'keys' ? credentials.access_key_id : '',
    profile: credentials.kind === 'profile' ? credentials.name : '',
    assumes_role: Boolean(role),
    role_arn: role?.arn ?? '',
    external_id: role?.external_id ?? '',
    regions: regions ?? [],
    endpoint: endpoint ?? '',
  };
}

export function toAwsAccess(values: AwsValues): Access {
  return {
    provider: 'aws',
    credentials: toCredentials(values),
    role: values.assumes_role ? { arn: values.role_arn.trim(), external_id: orNull(values.external_id) } : null,
    regions: onceEach(values.regions),
    endpoint: orNull(values.endpoint),
  };
}

function toCredentials(values: AwsValues): Access['credentials'] {
  switch (values.credentials) {
    case 'keys':
      return {
        kind: 'keys',
        access_key_id: values.access_key_id.trim(),
        secret_access_key: orNull(values.secret_access_key),
        session_token: orNull(values.session_token),
      };
    case 'profile':
      return { kind: 'profile', name: values.profile.trim() };
    default:
      return { kind: 'instance_role' };
  }
}
