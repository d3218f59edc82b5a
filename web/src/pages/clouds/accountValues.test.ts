import { describe, expect, it } from 'vitest';
import type { CloudAccess, CloudAccount } from '../../api/types';
import { formatUsd } from '../../format/numbers';
import { type AccountValues, needsSecret, START, toAccess, toPaused, toRequest, toValues } from './accountValues';
import { AWS_REGIONS, isAwsRegion } from './awsRegions';
import type { AwsValues } from './awsValues';
import { AZURE_REGIONS, isAzureRegion } from './azureRegions';
import type { AzureValues } from './azureValues';
import { monthlyCostOfServer } from './cost';
import { readDocument } from './gcpDocument';
import { GCP_REGIONS, isGcpRegion } from './gcpRegions';
import type { GcpValues } from './gcpValues';

const ID = '5e4c1f0a-7a3b-4b62-9d5d-2f8b1c0e9a77';

const aws = (change: Partial<AwsValues> = {}): AccountValues => ({ ...START, name: ' production ', aws: { ...START.aws, access_key_id: ' AKIA1 ', secret_access_key: 's ', ...change } });
const azure = (change: Partial<AzureValues> = {}): AccountValues => ({ ...START, provider: 'azure', name: 'office', azure: { ...START.azure, tenant: ' contoso.com', client_id: ID, client_secret: 's', ...change } });
const gcp = (change: Partial<GcpValues> = {}): AccountValues => ({ ...START, provider: 'gcp', name: 'research', gcp: { ...START.gcp, key: '{}', ...change } });

/** The account that comes of what was entered, as the server shows it: its secrets are null. */
function stored(values: AccountValues, change: Partial<AccountValues> = {}): CloudAccount {
  const whole = { ...values, ...change };
  const access = JSON.parse(JSON.stringify(toAccess(whole), (name, value: unknown) => (['secret_access_key', 'session_token', 'client_secret', 'key', 'configuration'].includes(name) ? null : value))) as CloudAccess;
  return { ...toRequest(whole), access, id: 'a1', provider: access.provider, version: '7', problems: [], regions: [] } as unknown as CloudAccount;
}

describe('the form of a cloud account', () => {
  it('sends the keys of AWS that were typed, without the blanks around them', () => {
    expect(toRequest({ ...aws({ regions: ['eu-central-1', ' eu-central-1'], endpoint: ' ' }), monthly_budget_usd: 20 })).toEqual({
      name: 'production',
      access: { provider: 'aws', credentials: { kind: 'keys', access_key_id: 'AKIA1', secret_access_key: 's', session_token: null }, role: null, regions: ['eu-central-1'], endpoint: null },
      interval_secs: 300,
      monthly_budget_usd: 20,
      enabled: true,
    });
  });

  it('sends the application of Azure, and what is about an endpoint only with one', () => {
    const access = { provider: 'azure', credentials: { kind: 'service_principal', tenant: 'contoso.com', client_id: ID, client_secret: 's' }, subscriptions: [ID], regions: [], cloud: 'china', resource_group: 'watched' };
    const beside = { login_endpoint: 'http://login', metrics_endpoint: 'http://metrics', audience: 'me' };
    const values: Partial<AzureValues> = { cloud: 'china', subscriptions: [ID, `${ID} `], resource_group: 'watched ', ...beside };
    expect(toAccess(azure(values))).toEqual({ ...access, endpoint: null, login_endpoint: null, metrics_endpoint: null, audience: null });
    expect(toAccess(azure({ ...values, endpoint: 'http://here' }))).toEqual({ ...access, endpoint: 'http://here', ...beside });
  });

  it('sends the file of Google with its projects', () => {
    expect(toAccess(gcp({ key: ' {"type":"service_account"}\n', projects: ['a-project'], configuration: '{}' }))).toEqual({ provider: 'gcp', credentials: { kind: 'service_account_key', key: '{"type":"service_account"}' }, projects: ['a-project'], regions: [], endpoint: null });
  });

  it('sends of what was entered only what belongs to the chosen credentials', () => {
    expect(toAccess(aws({ credentials: 'instance_role', assumes_role: true, role_arn: 'arn:aws:iam::1:role/y ' }))).toMatchObject({ credentials: { kind: 'instance_role' }, role: { arn: 'arn:aws:iam::1:role/y', external_id: null } });
    expect(toAccess(aws({ credentials: 'profile', profile: 'staging', role_arn: 'arn:aws:iam::1:role/y' }))).toMatchObject({ credentials: { kind: 'profile', name: 'staging' }, role: null });
    expect(toAccess(azure({ credentials: 'managed_identity', identity: '' })).credentials).toEqual({ kind: 'managed_identity', client_id: null });
    expect(toAccess(azure({ credentials: 'cli' })).credentials).toEqual({ kind: 'cli', tenant: 'contoso.com' });
    expect(toAccess(gcp({ credentials: 'application_default' })).credentials).toEqual({ kind: 'application_default' });
    expect(toAccess(gcp({ credentials: 'workload_identity', configuration: 'c' })).credentials).toEqual({ kind: 'workload_identity', configuration: 'c' });
  });

  it.each([
    aws({ session_token: 't', endpoint: 'http://moto:5000' }),
    aws({ credentials: 'profile', profile: 'staging' }),
    aws({ credentials: 'instance_role', assumes_role: true, role_arn: 'arn:aws:iam::1:role/y', external_id: 'word' }),
    azure({ subscriptions: [ID], regions: ['westeurope'], resource_group: 'watched' }),
    azure({ endpoint: 'http://here', login_endpoint: 'http://login', metrics_endpoint: 'http://{region}', audience: 'me' }),
    azure({ credentials: 'managed_identity', identity: ID, cloud: 'us_government' }),
    azure({ credentials: 'cli', tenant: '' }),
    gcp({ projects: ['one-project', 'two-projects'], regions: ['europe-west3'], endpoint: 'https://{service}-mine.p.googleapis.com' }),
    gcp({ credentials: 'application_default', projects: ['one-project'] }),
    gcp({ credentials: 'workload_identity', configuration: '{}', projects: ['one-project'] }),
  ])('shows what is stored and never a secret, and sends it back as it was (%#)', (values) => {
    const account = stored(values, { interval_secs: 600, monthly_budget_usd: 0, enabled: false });
    const shown = toValues(account);
    expect(toRequest(shown)).toEqual({ name: values.name.trim(), access: account.access, interval_secs: 600, monthly_budget_usd: 0, enabled: false });
    expect(toRequest({ ...shown, interval_secs: 900 }, account)).toMatchObject({ access: null, interval_secs: 900 });
  });

  it('sends how the account is opened where that was changed', () => {
    const account = stored(aws({ regions: ['eu-central-1'] }));
    const shown = toValues(account);
    for (const change of [{ regions: [] }, { secret_access_key: 'new' }, { assumes_role: true, role_arn: 'arn:aws:iam::1:role/y' }, { credentials: 'instance_role' as const }]) {
      const values = { ...shown, aws: { ...shown.aws, ...change } };
      expect(toRequest(values, account).access).toEqual(toAccess(values));
    }
  });

  it('asks for the secret anew when it would go to another key or another place', () => {
    expect(needsSecret(aws())).toBe(true);
    expect(needsSecret(aws({ regions: ['eu-central-1'] }), stored(aws()))).toBe(false);
    for (const change of [{ access_key_id: 'AKIA2' }, { endpoint: 'https://elsewhere' }]) expect(needsSecret(aws(change), stored(aws()))).toBe(true);
    expect(needsSecret(aws(), stored(aws({ credentials: 'instance_role' })))).toBe(true);

    expect(needsSecret(azure())).toBe(true);
    expect(needsSecret(azure({ client_secret: '', subscriptions: [ID], regions: ['westeurope'] }), stored(azure()))).toBe(false);
    for (const change of [{ tenant: 'elsewhere.com' }, { client_id: ID.replace('5', '6') }, { endpoint: 'https://elsewhere' }]) expect(needsSecret(azure(change), stored(azure()))).toBe(true);
    const own = { endpoint: 'http://here', login_endpoint: 'http://login' };
    expect(needsSecret(azure({ ...own, audience: 'me' }), stored(azure(own)))).toBe(false);
    expect(needsSecret(azure({ ...own, login_endpoint: 'http://elsewhere' }), stored(azure(own)))).toBe(true);

    expect(needsSecret(gcp())).toBe(true);
    expect(needsSecret(gcp({ key: '', projects: ['one-project'] }), stored(gcp()))).toBe(false);
    for (const change of [{ endpoint: 'https://elsewhere' }, { credentials: 'workload_identity' as const }]) expect(needsSecret(gcp(change), stored(gcp()))).toBe(true);
  });

  it('pauses without touching how the account is opened', () => {
    expect(toPaused(stored(aws(), { monthly_budget_usd: 5 }))).toEqual({ name: 'production', access: null, interval_secs: 300, monthly_budget_usd: 5, enabled: false });
    expect(toPaused(stored(aws(), { enabled: false })).enabled).toBe(true);
  });

  it('knows regions by their looks', () => {
    expect(AWS_REGIONS.every(isAwsRegion) && Object.values(AZURE_REGIONS).flat().every(isAzureRegion) && GCP_REGIONS.every(isGcpRegion)).toBe(true);
    for (const wrong of ['Frankfurt', 'eu-central', 'eu_central_1', '']) expect(isAwsRegion(wrong), wrong).toBe(false);
    for (const wrong of ['West Europe', 'eu-central-1', '']) expect(isAzureRegion(wrong), wrong).toBe(false);
    for (const wrong of ['eu-central-1', 'europe-west', 'westeurope', '']) expect(isGcpRegion(wrong), wrong).toBe(false);
  });

  it('tells what a server costs at an interval', () => {
    expect([monthlyCostOfServer('aws', 300), monthlyCostOfServer('azure', 300), monthlyCostOfServer('gcp', 600)].map((cost) => cost.toFixed(4))).toEqual(['0.5184', '0.6912', '0.0151']);
    expect([formatUsd(0.5184, 'en'), formatUsd(0.00006, 'en'), formatUsd(0, 'en'), formatUsd(null, 'en')]).toEqual(['$0.52', '$0.00006', '$0.00', '–']);
  });
});

describe('a file of Google', () => {
  const key = { type: 'service_account', client_email: 'yunhai@a-project.iam.gserviceaccount.com', private_key_id: '1', private_key: '-----BEGIN PRIVATE KEY-----', project_id: 'a-project' };
  const configuration = { type: 'external_account', audience: '//iam.googleapis.com/pool', subject_token_type: 'jwt', token_url: 'https://sts.googleapis.com/v1/token' };

  it('says whose it is', () => {
    expect(readDocument(JSON.stringify(key), 'service_account')).toEqual({ identity: key.client_email, project: 'a-project' });
    expect(readDocument(JSON.stringify(configuration), 'external_account')).toEqual({ identity: configuration.audience });
    const impersonated = { ...configuration, service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${key.client_email}:generateAccessToken` };
    expect(readDocument(JSON.stringify(impersonated), 'external_account')).toEqual({ identity: key.client_email });
  });

  it('that is another one, or a part of one, is told', () => {
    for (const text of ['', '{', '[]', '"service_account"', 'null']) expect(readDocument(text, 'service_account'), text).toEqual({ fault: 'no_json' });
    expect(readDocument(JSON.stringify(key), 'external_account')).toEqual({ fault: 'other_type', found: 'service_account' });
    expect(readDocument('{}', 'service_account')).toEqual({ fault: 'other_type', found: '–' });
    expect(readDocument(JSON.stringify({ ...key, private_key: '', project_id: 7 }), 'service_account')).toEqual({ fault: 'incomplete', missing: 'private_key, project_id' });
  });
});
