// Between the form of a cloud account and what travels.
import type { CloudAccess, CloudAccount, CloudAccountRequest } from '../../api/types';

export const CREDENTIALS = ['keys', 'profile', 'instance_role'] as const;

export interface AccountValues {
  name: string;
  credentials: (typeof CREDENTIALS)[number];
  access_key_id: string;
  secret_access_key: string;
  session_token: string;
  profile: string;
  assumes_role: boolean;
  role_arn: string;
  external_id: string;
  regions: string[];
  endpoint: string;
  interval_secs: number;
  monthly_budget_usd: number | null;
  enabled: boolean;
}

export const START: AccountValues = {
  name: '',
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
  interval_secs: 300,
  monthly_budget_usd: null,
  enabled: true,
};

/** The account as the form shows it: its secrets are not there to be shown. */
export function toValues({ name, access, interval_secs, monthly_budget_usd, enabled }: CloudAccount): AccountValues {
  const { credentials, role, regions, endpoint } = access;
  return {
    ...START,
    name,
    credentials: credentials.kind,
    access_key_id: credentials.kind === 'keys' ? credentials.access_key_id : '',
    profile: credentials.kind === 'profile' ? credentials.name : '',
    assumes_role: Boolean(role),
    role_arn: role?.arn ?? '',
    external_id: role?.external_id ?? '',
    regions: regions ?? [],
    endpoint: endpoint ?? '',
    interval_secs,
    monthly_budget_usd: monthly_budget_usd ?? null,
    enabled,
  };
}

function toCredentials(values: AccountValues): CloudAccess['credentials'] {
  switch (values.credentials) {
    case 'keys':
      return {
        kind: 'keys',
        access_key_id: values.access_key_id.trim(),
        secret_access_key: values.secret_access_key.trim() || null,
        session_token: values.session_token.trim() || null,
      };
    case 'profile':
      return { kind: 'profile', name: values.profile.trim() };
    default:
      return { kind: 'instance_role' };
  }
}

/** Secrets that are not typed anew travel as `null`, which keeps the stored ones. */
export function toAccess(values: AccountValues): CloudAccess {
  return {
    provider: 'aws',
    credentials: toCredentials(values),
    role: values.assumes_role ? { arn: values.role_arn.trim(), external_id: values.external_id.trim() || null } : null,
    regions: [...new Set(values.regions.map((region) => region.trim()).filter(Boolean))],
    endpoint: values.endpoint.trim() || null,
  };
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

/** Whether the secret half has to be typed: a stored one is kept only for its key, and for where that is used. */
export function needsSecret(values: Pick<AccountValues, 'access_key_id' | 'endpoint'>, account?: CloudAccount): boolean {
  const { credentials, endpoint } = account?.access ?? {};
  return credentials?.kind !== 'keys' || credentials.access_key_id !== values.access_key_id.trim() || (endpoint ?? '') !== values.endpoint.trim();
}

/** What is asked of each running server, and what AWS charges for a thousand of them, in US dollars. */
const METRICS_OF_A_SERVER = 6;
const USD_PER_THOUSAND = 0.01;
const MONTH_SECS = 30 * 86_400;

/** About what one running server costs in a month, in US dollars. */
export function monthlyCostOfServer(interval_secs: number): number {
  return ((MONTH_SECS / interval_secs) * METRICS_OF_A_SERVER * USD_PER_THOUSAND) / 1000;
}
