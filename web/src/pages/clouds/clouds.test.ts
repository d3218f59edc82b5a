import { describe, expect, it } from 'vitest';
import type { CloudAccount, CloudTrouble } from '../../api/types';
import { cloudServersLink } from './links';
import { actionsFor, isTag, monthly, regionsOf, toServerRequest } from './serverValues';
import { causesOf, isWatched, shareOfBudget, shortIdentity, troublesOf } from './troubles';

const trouble = (scope: string, change: Partial<CloudTrouble> = {}): CloudTrouble => ({ scope, kind: 'denied', message: `cannot list the servers of ${scope}: no (request ${scope}9)`, code: 'UnauthorizedOperation', ...change });

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
    const asked = { name: 'production', enabled: true } as CloudAccount;
    expect([asked, { ...asked, enabled: false }, { ...asked, last_round: { is_over_budget: true } as CloudAccount['last_round'] }].map((account) => isWatched({ state: 'running', account: 'production' }, [account]))).toEqual([true, false, false]);
  });

  it('measures the cost by the budget', () => {
    expect(shareOfBudget({ month_cost_usd: 5, monthly_budget_usd: 20 })).toBe(0.25);
    expect(shareOfBudget({ month_cost_usd: 0, monthly_budget_usd: 0 })).toBe(1);
    expect(shareOfBudget({ month_cost_usd: 5, monthly_budget_usd: null })).toBeUndefined();
  });

  it('shows who the credentials are of without the number that stands beside', () => {
    expect(['arn:aws:iam::417205998131:user/yunhai', 'the identity of this machine'].map(shortIdentity)).toEqual(['user/yunhai', 'the identity of this machine']);
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
    const looking = (chosen: string[]) => ({ access: { provider: 'aws', regions: chosen }, regions: ['us-east-1'] }) as unknown as CloudAccount;
    expect(regionsOf(looking(['eu-central-1']))).toEqual(['eu-central-1']);
    expect(regionsOf(looking([]))).toEqual(['us-east-1']);
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
