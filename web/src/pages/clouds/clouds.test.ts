import { describe, expect, it } from 'vitest';
import type { CloudAccount, CloudTrouble } from '../../api/types';
import { formatUsd } from '../../format/numbers';
import { type AccountValues, monthlyCostOfServer, needsSecret, START, toAccess, toPaused, toRequest, toValues } from './accountValues';
import { AWS_REGIONS, isRegion } from './awsRegions';
import { cloudServersLink } from './links';
import { actionsFor, isTag, monthly, regionsOf, toServerRequest } from './serverValues';
import { causesOf, isWatched, shareOfBudget, shortIdentity, troublesOf } from './troubles';

const keys = (change: Partial<AccountValues> = {}): AccountValues => ({ ...START, name: ' production ', access_key_id: ' AKIA1 ', secret_access_key: 's ', ...change });

const stored = (values: AccountValues): CloudAccount =>
  ({ ...toRequest(values), access: toAccess({ ...values, secret_access_key: '', session_token: '' }), id: 'a1', provider: 'aws', version: '7', problems: [], regions: [] }) as unknown as CloudAccount;

const trouble = (scope: string, change: Partial<CloudTrouble> = {}): CloudTrouble => ({ scope, kind: 'denied', message: `cannot list the servers of ${scope}: no (request ${scope}9)`, code: 'UnauthorizedOperation', ...change });

describe('the form of a cloud account', () => {
  it('sends the keys that were typed, without the blanks around them', () => {
    expect(toRequest(keys({ regions: ['eu-central-1', ' eu-central-1'], endpoint: ' ', monthly_budget_usd: 20 }))).toEqual({
      name: 'production',
      access: { provider: 'aws', credentials: { kind: 'keys', access_key_id: 'AKIA1', secret_access_key: 's', session_token: null }, role: null, regions: ['eu-central-1'], endpoint: null },
      interval_secs: 300,
      monthly_budget_usd: 20,
      enabled: true,
    });
  });

  it('sends of what was entered only what belongs to the chosen credentials', () => {
    expect(toAccess(keys({ credentials: 'instance_role', assumes_role: true, role_arn: 'arn:aws:iam::1:role/y ', external_id: '' }))).toMatchObject({ credentials: { kind: 'instance_role' }, role: { arn: 'arn:aws:iam::1:role/y', external_id: null } });
    expect(toAccess(keys({ credentials: 'profile', profile: 'staging', role_arn: 'arn:aws:iam::1:role/y' }))).toMatchObject({ credentials: { kind: 'profile', name: 'staging' }, role: null });
    expect(toAccess(keys({ credentials: 'profile', profile: 'staging' })).credentials).toEqual({ kind: 'profile', name: 'staging' });
  });

  it('shows what is stored and never a secret, and sends it back as it was', () => {
    for (const values of [keys(), keys({ credentials: 'profile', profile: 'staging', access_key_id: '' }), keys({ credentials: 'instance_role', access_key_id: '', assumes_role: true, role_arn: 'arn:aws:iam::1:role/y', external_id: 'word' })]) {
      const account = stored({ ...values, interval_secs: 600, monthly_budget_usd: 0, enabled: false, endpoint: 'http://moto:5000' });
      const shown = toValues(account);
      expect(shown).toMatchObject({ secret_access_key: '', session_token: '' });
      expect(toRequest(shown)).toEqual({ name: 'production', access: account.access, interval_secs: 600, monthly_budget_usd: 0, enabled: false });
    }
  });

  it('sends how the account is opened only where that was changed', () => {
    const account = stored(keys({ regions: ['eu-central-1'] }));
    const shown = toValues(account);
    expect(toRequest({ ...shown, interval_secs: 900 }, account)).toMatchObject({ access: null, interval_secs: 900 });
    for (const change of [{ regions: [] }, { secret_access_key: 'new' }, { assumes_role: true, role_arn: 'arn:aws:iam::1:role/y' }, { credentials: 'instance_role' as const }]) {
      expect(toRequest({ ...shown, ...change }, account).access).toEqual(toAccess({ ...shown, ...change }));
    }
  });

  it('asks for the secret anew when it would go to another key or another place', () => {
    const account = stored(keys());
    expect(needsSecret({ access_key_id: 'AKIA1', endpoint: '' })).toBe(true);
    expect(needsSecret({ access_key_id: ' AKIA1 ', endpoint: '' }, account)).toBe(false);
    expect(needsSecret({ access_key_id: 'AKIA2', endpoint: '' }, account)).toBe(true);
    expect(needsSecret({ access_key_id: 'AKIA1', endpoint: 'https://elsewhere' }, account)).toBe(true);
    expect(needsSecret({ access_key_id: 'AKIA1', endpoint: '' }, stored(keys({ credentials: 'instance_role' })))).toBe(true);
  });

  it('pauses without touching how the account is opened', () => {
    expect(toPaused(stored(keys({ monthly_budget_usd: 5 })))).toEqual({ name: 'production', access: null, interval_secs: 300, monthly_budget_usd: 5, enabled: false });
    expect(toPaused(stored(keys({ enabled: false }))).enabled).toBe(true);
  });

  it('knows regions by their looks', () => {
    expect(AWS_REGIONS.every(isRegion)).toBe(true);
    for (const wrong of ['Frankfurt', 'eu-central', 'eu_central_1', '']) expect(isRegion(wrong), wrong).toBe(false);
  });

  it('tells what a server costs at an interval', () => {
    expect(monthlyCostOfServer(300)).toBeCloseTo(0.5184);
    expect([formatUsd(0.5184, 'en'), formatUsd(0.00006, 'en'), formatUsd(0, 'en'), formatUsd(null, 'en')]).toEqual(['$0.52', '$0.00006', '$0.00', '–']);
  });
});

describe('what is missing of a cloud account', () => {
  it('is what the last round could not get, or before it what did not work when access was tried', () => {
    const tried = [trouble('eu-west-1')];
    expect(troublesOf({ problems: tried })).toBe(tried);
    expect(troublesOf({ problems: tried, last_round: { missing: [] } as unknown as CloudAccount['last_round'] })).toEqual([]);
  });

  it('is told once for all the regions that have the same trouble', () => {
    const causes = causesOf([trouble('eu-west-1'), trouble('us-east-1'), trouble('us-east-1'), trouble('us-east-1', { kind: 'throttled', code: 'Throttling' }), trouble('us-east-1', { message: 'cannot read the metrics of us-east-1: no' })]);
    expect(causes.map(({ kind, scopes }) => [kind, scopes])).toEqual([['denied', ['eu-west-1', 'us-east-1']], ['throttled', ['us-east-1']], ['denied', ['us-east-1']]]);
    expect(causesOf([trouble('production')], 'production')[0].scopes).toEqual([]);
    expect(causesOf([{ kind: 'credentials', message: 'no', scope: null }])[0].scopes).toEqual([]);
  });

  it('does not make a server that is off, or that nobody asks about, one that is watched', () => {
    const states = ['running', 'starting', 'stopping', 'unknown', 'stopped', 'stopped_billed', 'deleting', 'deleted'] as const;
    expect(states.map((state) => isWatched({ state, account: 'production' }))).toEqual([true, true, true, true, false, false, false, false]);
    const asked = stored(keys());
    expect([asked, { ...asked, enabled: false }, { ...asked, last_round: { is_over_budget: true } as CloudAccount['last_round'] }].map((account) => isWatched({ state: 'running', account: 'production' }, [account]))).toEqual([true, false, false]);
  });

  it('measures the cost by the budget', () => {
    expect(shareOfBudget({ month_cost_usd: 5, monthly_budget_usd: 20 })).toBe(0.25);
    expect(shareOfBudget({ month_cost_usd: 0, monthly_budget_usd: 0 })).toBe(1);
    expect(shareOfBudget({ month_cost_usd: 5, monthly_budget_usd: null })).toBeUndefined();
  });

  it('shows who the credentials are of without the number that stands beside', () => {
    expect(['arn:aws:iam::417205998131:user/yunhai', 'yunhai'].map(shortIdentity)).toEqual(['user/yunhai', 'yunhai']);
  });

  it('leads to its servers', () => {
    expect(cloudServersLink({ account: '生产 A' })).toBe('/clouds?tab=servers&s_account=%E7%94%9F%E4%BA%A7+A');
  });
});

describe('servers that are made', () => {
  const values = { account: 'a1', region: 'eu-central-1', name: ' web ', image: ' ami-1 ', instance_type: 't3.micro' };

  it('are asked for with what was entered and nothing else', () => {
    expect(toServerRequest(values)).toEqual({ name: 'web', region: 'eu-central-1', zone: null, image: 'ami-1', instance_type: 't3.micro', ssh_key: null, subnet: null, security_groups: [], user_data: null, tags: {}, count: 1, disk_gib: null, is_protected: false });
    const request = toServerRequest({ ...values, zone: ' b ', tags: ['team=web', 'url=a=b'], security_groups: [' sg-1', ' '], user_data: '#cloud-config\n', count: 3, is_protected: true });
    expect(request).toMatchObject({ zone: 'b', tags: { team: 'web', url: 'a=b' }, security_groups: ['sg-1'], user_data: '#cloud-config\n', count: 3, is_protected: true });
  });

  it('have tags with a name, and stand where the account looks', () => {
    expect(['team=web', 'team=', '=web', 'team', ' =x'].map(isTag)).toEqual([true, true, false, false, false]);
    expect(regionsOf(stored(keys({ regions: ['eu-central-1'] })))).toEqual(['eu-central-1']);
    expect(regionsOf({ ...stored(keys()), regions: ['us-east-1'] })).toEqual(['us-east-1']);
    expect(regionsOf(undefined)).toEqual([]);
    expect(monthly(0.01)).toBeCloseTo(7.3);
  });

  it('can be told only what makes sense in their state', () => {
    expect(actionsFor('running')).toEqual(['stop', 'restart', 'delete']);
    expect(actionsFor('stopped')).toEqual(['start', 'delete']);
    expect(actionsFor('starting')).toEqual(['delete']);
    expect(actionsFor('deleted')).toEqual([]);
  });
});
