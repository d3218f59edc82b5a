// A small company's servers, with things going wrong on some of them.
import type { Agent, AlertDetail, AuditEntry, EnrolmentToken, MetricInfo, Probe, RuleGroup, ServerRow } from '../src/api/types';

export const NOW = Date.now();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A number between 0 and 1 that is always the same for the same text. */
export function chance(text: string): number {
  let hash = 2166136261;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619);
  return ((hash >>> 0) % 10_000) / 10_000;
}

const PLACES = [
  ['local', null, null],
  ['aws', 'production', 'ap-southeast-1'],
  ['azure', 'office', 'chinaeast2'],
  ['gcp', 'research', 'asia-east1'],
] as const;

export const SERVERS: ServerRow[] = Array.from({ length: 57 }, (_, index) => {
  const kind = ['web', 'db', 'cache', 'worker', 'gateway'][index % 5];
  const name = index === 0 ? 'this-machine' : `${kind}-${String(index).padStart(2, '0')}.shanghai`;
  const [provider, account, region] = PLACES[index === 0 ? 0 : index % 4];
  const down = index === 11;
  const value = (what: string, most: number) => (down ? null : chance(name + what) * most);
  return {
    name,
    provider,
    account,
    region,
    state: down ? 'down' : index === 23 ? 'unknown' : 'up',
    cpu_ratio: index === 6 ? 0.964 : value('cpu', 0.7),
    memory_ratio: value('memory', 0.95),
    disk_ratio: index === 1 ? 0.931 : value('disk', 0.88),
    receive_bytes_per_sec: value('in', 40e6),
    transmit_bytes_per_sec: value('out', 18e6),
    load1: value('load', 6),
    uptime_secs: value('uptime', 9e6),
    last_seen_ms: down ? NOW - 26 * MINUTE : NOW - Math.round(chance(name) * 50_000),
    interval_secs: index === 0 ? 300 : 60,
    is_local: index === 0,
    tags: { role: kind, team: ['shop', 'data', 'platform'][index % 3] },
    alerts: index === 1 ? 2 : index === 6 || down ? 1 : 0,
  };
});

const PAGES = [
  ['shop', 'https://shop.example.com/health', 0.084, null],
  ['shop-api', 'https://api.example.com/v1/ping', 0.031, null],
  ['database', 'tcp://db-01.shanghai:5432', 0.002, null],
  ['mail', 'tls://mail.example.com:993', 0.4, null],
  ['old-site', 'http://old.example.com/', 10, 'no complete answer within 10s'],
] as const;

export const PROBES = PAGES.map(([name, target, seconds, message], index): Probe => ({
  id: `p${index}`,
  name,
  target,
  target_label: target,
  enabled: true,
  interval_secs: 60,
  timeout_ms: 10_000,
  method: 'GET',
  headers: index === 1 ? { Authorization: null } : {},
  has_body: false,
  expected_status: '200-299',
  body_match: index === 0 ? 'healthy' : null,
  follow_redirects: true,
  verify_certificate: true,
  ca_certificate_pem: null,
  labels: { team: index < 2 ? 'shop' : 'platform' },
  state: message ? 'down' : 'up',
  last: {
    at_ms: NOW - index * 9000,
    ok: !message,
    duration_ms: seconds * 1000,
    reason: message ? 'timeout' : null,
    message,
    status: target.startsWith('http') && !message ? 200 : null,
    body_matched: index === 0 ? true : null,
    certificate_expires_ms: target.startsWith('https') || target.startsWith('tls') ? NOW + (9 + index * 30) * 24 * 60 * MINUTE : null,
  },
  created_at_ms: NOW - 90 * 24 * 60 * MINUTE,
  updated_at_ms: NOW - 9 * 24 * 60 * MINUTE,
  version: '1',
}));

export const ENROLMENT_TOKENS: EnrolmentToken[] = [
  { id: 'et1', name: 'web', state: 'open', created_by: 'admin', created_at_ms: NOW - HOUR, expires_at_ms: NOW + 23 * HOUR, uses: 10, used: 3, tags: { team: 'shop' } },
  { id: 'et2', name: 'autoscaling', state: 'open', created_by: 'lin', created_at_ms: NOW - 40 * 24 * HOUR, expires_at_ms: NOW + 50 * 24 * HOUR, uses: null, used: 17, tags: {} },
  { id: 'et3', name: 'nas', state: 'used_up', created_by: 'admin', created_at_ms: NOW - 90 * HOUR, expires_at_ms: NOW - 66 * HOUR, uses: 1, used: 1, tags: {} },
];

export const AGENTS: Agent[] = SERVERS.slice(0, 14).map(
  ({ name }, index): Agent => ({
    id: `ag${index}`,
    name,
    host_name: index % 3 ? name : `ip-10-0-4-${10 + index}`,
    version: index === 4 ? '0.0.9' : '0.1.0',
    machine_id: Array.from({ length: 32 }, (_v, at) => Math.floor(chance(`${name} ${at}`) * 16).toString(16)).join(''),
    cloud: index % 3 ? null : { provider: 'aws', ids: [`i-0${index}7c3a91be5d204f`], region: 'eu-central-1', account: '417205998131' },
    tags: { team: 'shop' },
    enrolled_at_ms: NOW - (index + 1) * 26 * HOUR,
    enrolment_token: 'et2',
    last_seen_ms: index === 6 ? NOW - 5 * HOUR : NOW - index * 4000,
    last_seen_address: `10.0.4.${10 + index}`,
    clock_skew_ms: index === 2 ? 94_000 : index === 9 ? -3200 : 40,
  }),
);

const metric = (name: string, kind: string, unit: string, help: string, labels: string[] = []): MetricInfo => ({ name, kind, unit, help, labels });

export const METRICS: MetricInfo[] = [
  metric('server_cpu_utilization_ratio', 'gauge', 'ratio', 'CPU in use, 0 to 1.'),
  metric('server_cpu_seconds_total', 'counter', 'seconds', 'CPU time by mode.', ['mode']),
  metric('server_load1', 'gauge', '', 'Runnable tasks, averaged over a minute.'),
  metric('server_load5', 'gauge', '', 'Runnable tasks, averaged over five minutes.'),
  metric('server_memory_utilization_ratio', 'gauge', 'ratio', 'Memory in use, 0 to 1.'),
  metric('server_memory_used_bytes', 'gauge', 'bytes', 'Memory in use.'),
  metric('server_filesystem_utilization_ratio', 'gauge', 'ratio', 'File system in use, 0 to 1.', ['mountpoint', 'device', 'fstype']),
  metric('server_disk_read_bytes_total', 'counter', 'bytes', 'Bytes read.', ['device']),
  metric('server_network_receive_bytes_total', 'counter', 'bytes', 'Bytes received.', ['device']),
  metric('server_network_transmit_bytes_total', 'counter', 'bytes', 'Bytes sent.', ['device']),
  metric('server_processes', 'gauge', '', 'Processes.'),
  metric('server_uptime_seconds', 'gauge', 'seconds', 'Time since the start.'),
];

function alert(index: number, rule: string, server: string, severity: AlertDetail['severity'], state: AlertDetail['state'], value: number, summary: string, extra: Partial<AlertDetail> = {}): AlertDetail {
  const started = NOW - (index + 1) * 37 * MINUTE;
  return {
    id: `01JD0000000000000000000${String(index).padStart(3, '0')}`,
    rule,
    group: 'defaults',
    state,
    severity,
    labels: { alertname: rule, server, severity, provider: 'aws' } as Record<string, string>,
    annotations: { summary, description: 'The value has been beyond the threshold for the whole time that the rule asks for.', runbook_url: 'https://wiki.example.com/runbooks/disk' },
    value,
    started_at_ms: started,
    fired_at_ms: state === 'pending' ? null : started + 10 * MINUTE,
    resolved_at_ms: state === 'resolved' ? started + 34 * MINUTE : null,
    acknowledged: state === 'acknowledged' ? { by: 'lin', at_ms: started + 14 * MINUTE, comment: 'Moving old logs to the bucket.' } : null,
    silenced_by: [],
    muted_by: [],
    flapping: false,
    expr: 'server_filesystem_utilization_ratio > 0.9',
    why: `The last value ${value} is greater than 0.9 and has been for 27 minutes; the rule asks for 10 minutes.`,
    timeline: [
      { time_ms: started, kind: 'pending', detail: `The condition holds: ${value}` },
      ...(state === 'pending' ? [] : [{ time_ms: started + 10 * MINUTE, kind: 'firing', detail: 'It has held for 10 minutes.' }, { time_ms: started + 10 * MINUTE + 2000, kind: 'notified', detail: 'ops-dingtalk: errcode 0, ok' }]),
      ...(state === 'acknowledged' ? [{ time_ms: started + 14 * MINUTE, kind: 'acknowledged', actor: 'lin', detail: 'Moving old logs to the bucket.' }] : []),
      ...(state === 'resolved' ? [{ time_ms: started + 34 * MINUTE, kind: 'resolved', detail: 'The condition holds no more.' }] : []),
    ],
    ...extra,
  };
}

export const ALERTS: AlertDetail[] = [
  alert(0, 'DiskFull', 'db-01.shanghai', 'critical', 'firing', 0.931, 'Disk /var of db-01.shanghai is 93.1 % full', { labels: { alertname: 'DiskFull', server: 'db-01.shanghai', severity: 'critical', mountpoint: '/var', device: 'nvme1n1' } }),
  alert(1, 'HighCpu', 'db-06.shanghai', 'warning', 'firing', 0.964, 'CPU of db-06.shanghai is at 96.4 %', { expr: 'server_cpu_utilization_ratio > 0.9' }),
  alert(2, 'ServerDown', 'db-11.shanghai', 'critical', 'acknowledged', 0, 'db-11.shanghai has not reported for 15 minutes', { expr: 'server_up == 0' }),
  alert(3, 'DiskFullIn24h', 'db-01.shanghai', 'warning', 'pending', -3.1e9, 'Disk /data of db-01.shanghai will be full within 24 hours'),
  alert(4, 'ClockSkew', 'worker-08.shanghai', 'info', 'firing', 2.4, 'The clock of worker-08.shanghai is off by 2.4 s', { flapping: true, silenced_by: ['01JS'], muted_by: [{ kind: 'silence', id: '01JS' }] }),
  ...Array.from({ length: 18 }, (_, index) => alert(index + 6, ['HighMemory', 'HighCpu'][index % 2], SERVERS[index + 2].name, index % 3 ? 'warning' : 'critical', 'resolved', 0.88, `${['Memory', 'CPU'][index % 2]} of ${SERVERS[index + 2].name} was above 90 %`)),
];

const EXPRESSIONS: Record<string, string> = {
  DiskFullIn24h: 'predict_linear(server_filesystem_available_bytes[6h], 86400) < 0',
  ManyFailedSignIns: 'increase(yunhai_sign_in_failures_total[15m]) > 20',
  AuditLogDamaged: 'yunhai_audit_intact == 0',
};

export const GROUPS: RuleGroup[] = [
  ['defaults', ['HighCpu', 'HighMemory', 'DiskFull', 'DiskFullIn24h', 'ServerDown', 'ClockSkew', 'ManyFailedSignIns', 'AuditLogDamaged']],
  ['shop', ['CheckoutSlow', 'CertificateExpiresSoon']],
].map(([name, rules]) => ({
  name: name as string,
  interval_secs: 60,
  skipped: 0,
  updated_at_ms: NOW - 3 * 24 * HOUR,
  source: `groups:\n  - name: ${name}\n    interval: 1m\n    rules:\n${(rules as string[]).map((rule) => `      - alert: ${rule}\n        expr: server_cpu_utilization_ratio > 0.9\n        for: 10m\n        labels:\n          severity: warning\n        annotations:\n          summary: 'CPU of {{ $labels.server }} is at {{ $value | humanizePercentage }}'\n`).join('')}`,
  rules: (rules as string[]).map((rule, index) => ({
    id: rule,
    name: rule,
    kind: 'alerting',
    expr: EXPRESSIONS[rule] ?? 'server_cpu_utilization_ratio > 0.9',
    for_secs: 600,
    severity: index % 2 ? 'critical' : 'warning',
    health: rule === 'CheckoutSlow' ? 'err' : 'ok',
    last_error: rule === 'CheckoutSlow' ? 'found duplicate series on the right side of the operator' : null,
    last_evaluation_ms: NOW - 21_000,
    duration_ms: 3.2,
    pending: rule === 'DiskFullIn24h' ? 1 : 0,
    firing: ['HighCpu', 'DiskFull', 'ServerDown'].includes(rule) ? 1 : 0,
    form: rule === 'HighCpu' ? { name: rule, metric: 'server_cpu_utilization_ratio', comparison: '>', threshold: 0.9, for_secs: 600, severity: 'warning', matchers: [] } : null,
  })),
}));

const ACTIONS = [
  ['admin', 'login.succeeded', 'admin', 'ok'],
  ['lin', 'alert.acknowledged', 'ServerDown db-11.shanghai', 'ok'],
  ['admin', 'rule.updated', 'defaults', 'ok'],
  ['guest', 'login.failed', 'guest', 'denied'],
  ['lin', 'silence.created', 'server="worker-08.shanghai"', 'ok'],
  ['admin', 'channel.tested', 'ops-dingtalk', 'failed'],
] as const;

export const AUDIT: AuditEntry[] = Array.from({ length: 64 }, (_, index) => {
  const [actor, action, target, outcome] = ACTIONS[index % ACTIONS.length];
  return {
    seq: 64 - index,
    time_ms: NOW - index * 17 * MINUTE,
    actor,
    action,
    target,
    address: '10.20.0.15',
    outcome,
    reason: action === 'login.failed' ? 'wrong password' : null,
    before: action === 'rule.updated' ? { interval_secs: 60 } : null,
    after: action === 'rule.updated' ? { interval_secs: 30 } : null,
    hash: Array.from({ length: 64 }, (_v, at) => Math.floor(chance(`${index} ${at}`) * 16).toString(16)).join(''),
  };
});
