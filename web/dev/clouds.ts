// Accounts with clouds, and the servers in them, in all the states that they can have.
import type { CloudAccess, CloudAccount, CloudOrder, CloudPolicy, CloudProvider, CloudServer, CloudServerState, CloudTrouble } from '../src/api/types';
import { chance, NOW } from './data.ts';

const HOUR = 3_600_000;
const SUBSCRIPTION = '0b1f6471-1bf0-4dda-aec3-30c29ce4e6a1';
const APPLICATION = '5e4c1f0a-7a3b-4b62-9d5d-2f8b1c0e9a77';

const denied = (scope: string): CloudTrouble => ({
  scope,
  kind: 'denied',
  message: `cannot list the servers of ${scope}: You are not authorized to perform this operation. User: arn:aws:iam::417205998131:user/yunhai is not authorized to perform: ec2:DescribeInstances with an explicit deny in a service control policy`,
  code: 'UnauthorizedOperation',
  hint: 'give the account the right that is named; see its policy',
});

const EXPIRED: CloudTrouble = {
  scope: 'customer-lan',
  kind: 'credentials',
  message: 'cannot ask who the role of this machine is: The security token included in the request is expired',
  code: 'ExpiredToken',
  hint: 'enter new credentials for the account',
};

const SLOW: CloudTrouble = { scope: 'us-east-1', kind: 'throttled', message: 'cannot read the metrics of us-east-1: Rate exceeded', code: 'Throttling', hint: 'it is tried again by itself; a longer interval asks less often' };

const NO_METRICS: CloudTrouble = {
  scope: 'chinaeast2',
  kind: 'denied',
  message: `cannot read the metrics of chinaeast2 in the subscription ${SUBSCRIPTION}: The client '${APPLICATION}' does not have authorization to perform action 'Microsoft.Insights/metrics/read' over scope '/subscriptions/${SUBSCRIPTION}'`,
  code: 'AuthorizationFailed',
  hint: 'give the account the right that is named; see its policy',
};

const DISABLED: CloudTrouble = {
  scope: 'research-trials-7',
  kind: 'denied',
  message: 'cannot read the metrics of research-trials-7: Cloud Monitoring API has not been used in project 803155092147 before or it is disabled',
  code: 'SERVICE_DISABLED',
  hint: 'give the account the right that is named; see its policy',
};

interface Example {
  name: string;
  state: CloudAccount['state'];
  access: CloudAccess;
  /** Who the credentials are of, and of which account. */
  who: [identity: string, account: string];
  /** What is spent this month, of which budget. */
  cost: [number, number | null];
  servers: number;
  missing?: CloudTrouble[];
}

const aws = (number: number): [string, string] => [`arn:aws:iam::${number}:user/yunhai`, String(number)];
const keys = (access_key_id: string) => ({ kind: 'keys' as const, access_key_id });

const EXAMPLES: Example[] = [
  { name: 'production', state: 'ok', access: { provider: 'aws', credentials: keys('AKIA3QK7XJ5ZEXAMPLE0'), regions: ['ap-southeast-1', 'ap-northeast-1'] }, who: aws(417205998131), cost: [8.32, 20], servers: 31 },
  { name: 'staging', state: 'incomplete', access: { provider: 'aws', credentials: { kind: 'profile', name: 'staging' }, regions: [] }, who: aws(417205998132), cost: [3.94, 5], servers: 9, missing: [denied('me-central-1'), denied('ap-southeast-3'), denied('eu-south-2'), SLOW] },
  {
    name: 'customer-lan',
    state: 'failing',
    access: { provider: 'aws', credentials: { kind: 'instance_role' }, role: { arn: 'arn:aws:iam::903311542076:role/monitoring/yunhai', external_id: 'yunhai-17' }, regions: ['eu-central-1'] },
    who: ['arn:aws:sts::903311542076:assumed-role/yunhai/yunhai', '903311542076'],
    cost: [0.61, null],
    servers: 0,
    missing: [EXPIRED],
  },
  { name: 'batch', state: 'over_budget', access: { provider: 'aws', credentials: keys('AKIA3QK7XJ5ZEXAMPLE9'), regions: ['us-west-2'] }, who: aws(417205998134), cost: [9.998, 10], servers: 14 },
  { name: '宁夏', state: 'paused', access: { provider: 'aws', credentials: keys('AKIA3QK7XJ5ZEXAMPLE4'), regions: ['cn-northwest-1'] }, who: aws(417205998135), cost: [0, 15], servers: 4 },
  { name: 'lab', state: 'pending', access: { provider: 'aws', credentials: keys('test'), regions: ['us-east-1'], endpoint: 'http://cloud.lab.example.com:4566' }, who: aws(417205998136), cost: [0, null], servers: 0 },
  {
    name: 'office',
    state: 'incomplete',
    access: { provider: 'azure', credentials: { kind: 'service_principal', tenant: 'example.partner.onmschina.cn', client_id: APPLICATION }, cloud: 'china', subscriptions: [SUBSCRIPTION], regions: ['chinaeast2', 'chinanorth3'], resource_group: 'watched' },
    who: [`the application ${APPLICATION} of the directory example.partner.onmschina.cn`, SUBSCRIPTION],
    cost: [4.41, 12],
    servers: 8,
    missing: [NO_METRICS],
  },
  {
    name: 'research',
    state: 'incomplete',
    access: { provider: 'gcp', credentials: { kind: 'service_account_key' }, projects: ['research-cluster-118', 'research-trials-7'], regions: [] },
    who: ['the service account yunhai@research-cluster-118.iam.gserviceaccount.com', 'research-cluster-118, research-trials-7'],
    cost: [0.22, 3],
    servers: 11,
    missing: [DISABLED],
  },
];

const REGIONS: Record<CloudProvider, string[]> = {
  aws: ['ap-northeast-1', 'ap-southeast-1', 'ap-southeast-3', 'eu-central-1', 'eu-south-2', 'eu-west-1', 'me-central-1', 'us-east-1', 'us-west-2'],
  azure: ['eastasia', 'southeastasia'],
  gcp: ['asia-east1', 'asia-southeast1', 'europe-west3', 'us-central1'],
};

export const CLOUD_ACCOUNTS = EXAMPLES.map(({ name, state, access, who: [identity, account], cost: [month_cost_usd, monthly_budget_usd], servers, missing = [] }, index): CloudAccount => ({
  id: `a${index}`,
  name,
  provider: access.provider,
  access,
  interval_secs: index === 1 ? 600 : 300,
  monthly_budget_usd,
  month_cost_usd,
  enabled: state !== 'paused',
  state,
  identity,
  account,
  regions: access.regions?.length ? access.regions : REGIONS[access.provider],
  problems: [],
  last_round:
    state === 'pending'
      ? null
      : { at_ms: NOW - (state === 'paused' ? 9 * 24 * HOUR : (index + 1) * 47_000), took_ms: 1840 + index * 900, servers, samples: state === 'over_budget' || state === 'failing' ? 0 : servers * 18, calls: 4 + index * 3, cost_usd: servers * 6e-5, is_over_budget: state === 'over_budget', missing },
  created_at_ms: NOW - 40 * 24 * HOUR,
  version: '1',
}));

/** What a trial of each provider's account comes to. */
export const cloudCheck = (provider: CloudProvider) => {
  const { identity, account, regions, last_round } = CLOUD_ACCOUNTS.find((account) => account.provider === provider && account.last_round?.missing.length) ?? CLOUD_ACCOUNTS[0];
  return { identity, account, regions, problems: last_round?.missing ?? [] };
};

const TYPES: Record<CloudProvider, string[]> = {
  aws: ['t3.micro', 'm6i.large', 'c7g.2xlarge', 'r6i.xlarge', 't4g.small'],
  azure: ['Standard_B2s', 'Standard_D4s_v5', 'Standard_E8as_v5'],
  gcp: ['e2-medium', 'n2-standard-4', 'c3-highcpu-8'],
};
const IMAGES: Record<CloudProvider, string> = { aws: 'ami-0c802847a7dd848c0', azure: 'Canonical:ubuntu-24_04-lts:server:latest', gcp: 'ubuntu-2404-noble-amd64-v20261101' };

export const CLOUD_SERVERS: CloudServer[] = CLOUD_ACCOUNTS.flatMap(({ name: account, regions, access, last_round }) =>
  Array.from({ length: last_round?.servers ?? 0 }, (_, index): CloudServer => {
    const { provider } = access;
    const kind = ['web', 'db', 'cache', 'worker', 'gateway'][index % 5];
    const name = `${account}-${kind}-${String(index).padStart(2, '0')}`;
    const state = (({ 3: provider === 'azure' ? 'stopped_billed' : 'stopped', 7: 'starting', 8: 'deleted', 12: 'stopping' }) as Record<number, CloudServerState>)[index] ?? 'running';
    const region = regions[index % regions.length];
    const hex = Array.from({ length: 16 }, (_v, at) => Math.floor(chance(`${name} ${at}`) * 16).toString(16)).join('');
    const id =
      access.provider === 'azure'
        ? `/subscriptions/${SUBSCRIPTION}/resourceGroups/watched/providers/Microsoft.Compute/virtualMachines/${name}`
        : access.provider === 'gcp'
          ? `projects/${access.projects?.[index % 2]}/zones/${region}-a/instances/${name}`
          : `i-0${hex}`;
    return {
      server: index === 5 ? `${name} (${id.split('/').at(-1)})` : name,
      name,
      provider,
      account,
      id,
      state,
      instance_type: TYPES[provider][index % TYPES[provider].length],
      region,
      zone: state === 'deleted' ? null : provider === 'azure' ? String(1 + (index % 3)) : `${region}${provider === 'gcp' ? '-' : ''}${'abc'[index % 3]}`,
      private_addresses: state === 'deleted' ? [] : [`10.${20 + index}.4.${10 + index}`],
      public_addresses: index % 4 === 0 && state === 'running' ? [`13.212.${40 + index}.${7 * index}`] : [],
      image: IMAGES[provider],
      launched_at_ms: NOW - chance(name) * 300 * 24 * HOUR,
      tags: { ...(provider === 'aws' ? { Name: name } : {}), role: kind, team: ['shop', 'data', 'platform'][index % 3], ...(index % 6 === 0 ? { env: 'prod', 'cost-center': '4711', owner: 'lin' } : {}) } as Record<string, string>,
      first_seen_ms: NOW - 30 * 24 * HOUR,
      last_seen_ms: NOW - 60_000,
      gone_at_ms: state === 'deleted' ? NOW - 26 * HOUR : null,
    };
  }),
);

const QUOTA: CloudTrouble = {
  kind: 'quota',
  message: 'cannot make servers in ap-southeast-1: You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to',
  code: 'VcpuLimitExceeded',
  hint: 'ask the provider to raise the limit, or choose another region or type',
};

const UNANSWERED: CloudTrouble = { kind: 'unreachable', message: 'cannot stop research-db-01: no answer within 30 seconds', hint: "check the network, the name servers, the proxy and the account's endpoint" };

const ORDERS: Partial<CloudOrder>[] = [
  { action: 'create', server: 'web', state: 'running', total: 3, done: 1, progress: '2 pending' },
  { action: 'stop', server: 'production-db-01', state: 'waiting', sent_at_ms: null, attempts: 0 },
  { action: 'restart', server: 'lan-gateway-04', account: 'customer-lan', state: 'done', done: 1 },
  { action: 'create', server: 'batch', state: 'failed', total: 12, server_ids: [], problem: QUOTA },
  { action: 'stop', server: 'research-db-01', account: 'research', provider: 'gcp', region: 'europe-west3', state: 'given_up', attempts: 7, is_outcome_unknown: true, problem: UNANSWERED },
  { action: 'delete', server: 'shop-china-web-05 (a machine with a long name of its own)', account: 'china', provider: 'azure', region: 'chinaeast2', state: 'done', done: 1 },
];

export const CLOUD_ORDERS = ORDERS.map((order, index): CloudOrder => {
  const placed_at_ms = NOW - (index * index + 0.02) * HOUR;
  const isOpen = order.state === 'running' || order.state === 'waiting';
  return {
    id: `o${index}`,
    account: 'production',
    action: 'start',
    attempts: 1,
    done: 0,
    is_outcome_unknown: false,
    ordered_by: index % 2 ? 'lin' : 'admin',
    placed_at_ms,
    provider: 'aws',
    region: 'ap-southeast-1',
    sent_at_ms: placed_at_ms + 800,
    ended_at_ms: isOpen ? null : placed_at_ms + 94_000,
    server: '',
    server_ids: [`i-0${index}7c3a91be5d204f`],
    state: 'running',
    total: 1,
    ...order,
  };
});

const AWS_WATCH = ['cloudwatch:GetMetricData', 'cloudwatch:ListMetrics', 'ec2:DescribeInstances', 'ec2:DescribeRegions'];
const AWS_MANAGE = ['ec2:CreateTags', 'ec2:DescribeImages', 'ec2:RebootInstances', 'ec2:RunInstances', 'ec2:StartInstances', 'ec2:StopInstances', 'ec2:TerminateInstances'];

export function cloudPolicy(provider: CloudProvider, manages: boolean): CloudPolicy {
  const json = (document: unknown) => JSON.stringify(document, null, 2);
  switch (provider) {
    case 'azure':
      return {
        kind: 'Azure role',
        document: json({
          Name: manages ? 'Yunhai Manage' : 'Yunhai Watch',
          IsCustom: true,
          Actions: ['Microsoft.Compute/virtualMachines/read', 'Microsoft.Insights/metrics/read', 'Microsoft.Resources/subscriptions/read', ...(manages ? ['Microsoft.Compute/virtualMachines/write'] : [])],
          NotActions: [],
          AssignableScopes: ['/subscriptions/SUBSCRIPTION'],
        }),
        command: 'az role definition create --role-definition @ROLE.json && az role assignment create --role "Yunhai Watch" --assignee CLIENT_ID --scope /subscriptions/SUBSCRIPTION',
      };
    case 'gcp':
      return {
        kind: 'IAM role',
        document: `title: Yunhai, ${manages ? 'managing' : 'watching'}\nstage: GA\nincludedPermissions:\n- compute.instances.list\n- compute.regions.list\n- monitoring.timeSeries.list\n${manages ? '- compute.instances.start\n' : ''}`,
        command: 'gcloud iam roles create yunhai --project=PROJECT --file=ROLE.yaml && gcloud projects add-iam-policy-binding PROJECT --member=serviceAccount:ACCOUNT_EMAIL --role=projects/PROJECT/roles/yunhai',
      };
    default:
      return {
        kind: 'IAM policy',
        document: json({ Version: '2012-10-17', Statement: [{ Sid: 'Yunhai', Effect: 'Allow', Action: manages ? [...AWS_WATCH, ...AWS_MANAGE] : AWS_WATCH, Resource: '*' }] }),
        command: 'aws iam put-user-policy --user-name USER --policy-name yunhai --policy-document file://POLICY.json',
      };
  }
}
