import type { CloudAccess, CloudProvider } from '../src/api/types';
import { CLOUD_ACCOUNTS, CLOUD_ORDERS, CLOUD_SERVERS, cloudCheck, cloudPolicy } from './clouds.ts';
import { AGENTS, ALERTS, AUDIT, ENROLMENT_TOKENS, GROUPS, METRICS, NOW, PROBES, SERVERS } from './data.ts';

type Answer = [number, unknown];
type Row = Record<string, unknown>;

const HOUR = 3_600_000;
const USER = { id: 'u1', name: 'admin', display_name: '王芳', email: 'wang@example.com', role: 'admin', state: 'active', language: null, totp_enabled: false, created_at_ms: NOW - 90 * 24 * HOUR, last_sign_in_ms: NOW - HOUR };
const SESSION = { user: USER, permissions: ['servers:read', 'servers:write', 'probes:write', 'clouds:write', 'servers:manage', 'agents:write', 'metrics:write', 'alerts:acknowledge', 'rules:write', 'silences:write', 'channels:write', 'users:manage', 'audit:read', 'settings:write', 'tokens:own'], csrf_token: 'token', expires_at_ms: NOW + 12 * HOUR };
let signedIn = true;

/** Which lists exist; everything about paging, sorting and searching is the same for all. */
const LISTS: Record<string, Row[]> = {
  servers: SERVERS as unknown as Row[],
  probes: PROBES as unknown as Row[],
  'cloud-accounts': CLOUD_ACCOUNTS as unknown as Row[],
  'cloud-servers': CLOUD_SERVERS as unknown as Row[],
  'cloud-orders': CLOUD_ORDERS as unknown as Row[],
  agents: AGENTS as unknown as Row[],
  'agents/enrolment-tokens': ENROLMENT_TOKENS as unknown as Row[],
  alerts: ALERTS as unknown as Row[],
  audit: AUDIT as unknown as Row[],
  'rule-groups': GROUPS as unknown as Row[],
  silences: [
    { id: 's1', matchers: [{ name: 'server', op: '=', value: 'worker-08.shanghai' }, { name: 'alertname', op: '=', value: 'ClockSkew' }], starts_at_ms: NOW - HOUR, ends_at_ms: NOW + 3 * HOUR, created_by: 'lin', created_at_ms: NOW - HOUR, comment: 'NTP is being moved to the new gateway', state: 'active' },
    { id: 's2', matchers: [{ name: 'tag_team', op: '=~', value: 'shop|data' }], starts_at_ms: NOW - 50 * HOUR, ends_at_ms: NOW - 46 * HOUR, created_by: 'admin', created_at_ms: NOW - 50 * HOUR, comment: 'Release 4.2', state: 'expired' },
  ],
  'maintenance-windows': [
    { id: 'w1', name: 'Weekly patches', cron: '0 2 * * 0', duration_secs: 7200, time_zone: 'Asia/Shanghai', matchers: [{ name: 'tag_role', op: '=', value: 'web' }], comment: 'Rolling restart', created_by: 'admin', active: false, next_start_ms: NOW + 40 * HOUR },
  ],
  channels: [
    { id: 'c1', name: 'ops-dingtalk', kind: 'dingtalk', enabled: true, config: { url: null, secret: null }, last_ok: true, last_result: 'errcode 0, ok', last_used_ms: NOW - 0.4 * HOUR },
    { id: 'c2', name: 'ops-mail', kind: 'email', enabled: true, config: { host: 'smtp.example.com', port: 587, security: 'starttls', username: 'alerts', password: null, from: 'alerts@example.com', to: ['ops@example.com'] }, last_ok: true, last_result: '250 2.0.0 Ok: queued as 4F2C1', last_used_ms: NOW - 5 * HOUR },
    { id: 'c3', name: 'on-call-sms', kind: 'twilio', enabled: false, config: {}, last_ok: null, last_result: null, last_used_ms: null },
  ],
  notifications: Array.from({ length: 34 }, (_, index) => ({ id: `n${index}`, channel: index % 3 ? 'ops-dingtalk' : 'ops-mail', state: index === 1 ? 'pending' : index === 7 ? 'failed' : 'sent', summary: `[FIRING:1] ${ALERTS[index % ALERTS.length].rule} ${ALERTS[index % ALERTS.length].labels.server}`, attempts: index === 7 ? 5 : 1, created_at_ms: NOW - index * 0.7 * HOUR, sent_at_ms: index === 1 || index === 7 ? null : NOW - index * 0.7 * HOUR + 900, next_attempt_ms: NOW + 40_000, answer: index === 7 ? 'errcode 310000: sign not match' : 'errcode 0, ok' })),
  users: [
    USER,
    { ...USER, id: 'u2', name: 'lin', display_name: '林涛', email: 'lin@example.com', role: 'operator', totp_enabled: true },
    { ...USER, id: 'u3', name: 'guest', display_name: 'Guest', email: null, role: 'viewer', state: 'locked' },
    { ...USER, id: 'u4', name: 'zhao', display_name: '赵敏', email: null, role: 'viewer', state: 'pending', last_sign_in_ms: null },
  ],
  invitations: [{ id: 'i1', role: 'operator', created_by: 'admin', created_at_ms: NOW - 3 * HOUR, expires_at_ms: NOW + 69 * HOUR, used_by: null }],
  tokens: [{ id: 't1', name: 'Grafana', user: 'admin', scopes: ['servers:read'], created_at_ms: NOW - 200 * HOUR, expires_at_ms: NOW + 900 * HOUR, last_used_ms: NOW - 40_000 }],
  'me/sessions': [
    { id: 'x1', user_agent: 'Firefox 143 on Linux', address: '10.20.0.15', created_at_ms: NOW - HOUR, last_seen_ms: NOW, expires_at_ms: NOW + 11 * HOUR, current: true },
    { id: 'x2', user_agent: 'Safari on iPhone', address: '10.20.0.77', created_at_ms: NOW - 30 * HOUR, last_seen_ms: NOW - 2 * HOUR, expires_at_ms: NOW + 3 * HOUR, current: false },
  ],
};

function list(rows: Row[], query: URLSearchParams): Answer {
  let found = [...rows];
  const text = query.get('q')?.toLowerCase();
  if (text) found = found.filter((row) => JSON.stringify(row).toLowerCase().includes(text));
  for (const [name, value] of query) {
    if (['q', 'page', 'page_size', 'sort'].includes(name)) continue;
    found = found.filter((row) => {
      if (name === 'tag') return Object.entries((row.tags ?? {}) as Row).some(([tag, text]) => `${tag}=${text}` === value);
      if (name === 'state' && value === 'active') return row.state !== 'resolved';
      const own = row[name] ?? (row.labels as Row | undefined)?.[name];
      return own === undefined || own === value;
    });
  }
  const sort = query.get('sort') ?? '';
  const field = sort.replace(/^-/, '');
  if (field) {
    const sign = sort.startsWith('-') ? -1 : 1;
    found.sort((a, b) => sign * (typeof a[field] === 'number' ? Number(a[field]) - Number(b[field] ?? 0) : String(a[field] ?? '').localeCompare(String(b[field] ?? ''))));
  }
  const page = Number(query.get('page') ?? 1);
  const page_size = Number(query.get('page_size') ?? 50);
  return [200, { items: found.slice((page - 1) * page_size, page * page_size), total: found.length, page, page_size }];
}

const top = (field: 'cpu_ratio' | 'memory_ratio' | 'disk_ratio') =>
  [...SERVERS].sort((a, b) => (b[field] ?? 0) - (a[field] ?? 0)).slice(0, 6).map((row) => ({ server: row.name, value: row[field] ?? 0 }));

const problem = (status: number, code: string, detail: string): Answer => [status, { type: `/problems/${code}`, title: detail, status, code, detail }];

export function answerApi(method: string, url: URL, body: unknown): Answer {
  const path = decodeURIComponent(url.pathname.replace('/api/v1/', ''));
  const [resource, id, part] = path.split('/');
  if (path === 'session') {
    if (method === 'DELETE') signedIn = false;
    if (method === 'POST') {
      if ((body as { password?: string }).password === 'wrong') return problem(401, 'wrong_credentials', 'the name or the password is wrong');
      signedIn = true;
    }
    return signedIn || method !== 'GET' ? [200, SESSION] : problem(401, 'not_signed_in', 'no session');
  }
  if (path === 'setup') return [200, { needed: url.searchParams.has('needed') }];
  if (path === 'registration') return [200, { mode: 'open' }];
  if (path === 'password-strength') return [200, { score: 3, acceptable: true, reasons: [] }];
  if (path === 'overview') {
    return [200, { servers: { total: 57, up: 55, down: 1, unknown: 1 }, alerts: { critical: 1, warning: 1, info: 1, pending: 1, acknowledged: 1 }, top: { cpu: top('cpu_ratio'), memory: top('memory_ratio'), disk: top('disk_ratio') } }];
  }
  if (path === 'settings') return [200, { registration: 'invitation', collect_interval_secs: 300, version: '0.1.0', database: 'sqlite', series_location: 'file:///var/lib/yunhai/series', series: { series: 5712, samples: 98_400_512, bytes: 131_900_000, blocks: 14 } }];
  if (path === 'routes') return [200, { matchers: [], channels: ['c1'], group_by: ['alertname'], group_wait: '30s', group_interval: '5m', repeat_interval: '4h', continue: false, escalations: [], routes: [{ matchers: ['severity="critical"'], channels: ['c1', 'c2'], continue: false, escalations: [{ after: '15m', channels: ['c3'] }], routes: [] }] }];
  if (path === 'me/totp') return [200, { secret: 'JBSWY3DPEHPK3PXP', otpauth_url: 'otpauth://totp/Yunhai:admin?secret=JBSWY3DPEHPK3PXP&issuer=Yunhai' }];
  if (path === 'rules/check') return [200, { groups: [], faults: String((body as { source?: string }).source).includes('\t') ? [{ line: 1, column: 1, detail: 'a tab is not allowed for indentation' }] : [] }];
  if (path === 'rules/from-form') return [200, { expr: 'server_cpu_utilization_ratio > 0.9', source: GROUPS[0].source.slice(0, 240) }];
  if (path === 'rules/backtest') return [200, { intervals: [1, 2].map((at) => ({ labels: { server: SERVERS[at].name }, from_ms: NOW - at * 6 * HOUR, to_ms: NOW - at * 6 * HOUR + at * HOUR, state: at === 1 ? 'firing' : 'pending' })) }];
  if (path === 'audit/verify') return [200, { ok: true, entries: AUDIT.length, first_bad: null }];
  if (part === 'why' || path.endsWith('/why')) return [200, SERVERS.slice(0, 8).map(({ name, cpu_ratio }) => ({ labels: { server: name }, value: cpu_ratio, state: (cpu_ratio ?? 0) > 0.9 ? 'firing' : 'inactive', reason: (cpu_ratio ?? 0) > 0.9 ? 'above the threshold 0.9 for 27 minutes' : `${(cpu_ratio ?? 0).toFixed(3)} is not greater than 0.9` }))];
  if (resource === 'cloud-policies') return [200, cloudPolicy(id as CloudProvider, url.searchParams.get('scope') === 'manage')];
  if (path === 'cloud-account-tests') return [200, cloudCheck((body as { access: CloudAccess }).access.provider)];
  if (part === 'ask') return [200, { ...(CLOUD_ACCOUNTS.find((account) => account.id === id)?.last_round ?? CLOUD_ACCOUNTS[0].last_round), at_ms: NOW }];
  if (path === 'agents/join') return [200, { server: null, pin: null, architecture: 'x86_64' }];
  if (path === 'agents/enrolment-tokens' && method === 'POST') return [200, { ...ENROLMENT_TOKENS[0], token: 'ye_0123456789' }];
  if (part === 'test') return [200, { ok: false, answer: '{"errcode":310000,"errmsg":"description:机器人发送签名不匹配"}' }];
  if (path === 'probe-tests' || (resource === 'probes' && part === 'run')) return [200, PROBES[0].last];
  if (method !== 'GET') return [200, { id: 'new', token: 'yh_0123456789', code: 'invite-0123' }];
  if (LISTS[path]) return list(LISTS[path], url.searchParams);
  const row = LISTS[resource]?.find((candidate) => candidate.id === id || candidate.name === id);
  if (row) return [200, resource === 'servers' ? { ...row, metrics: METRICS, settings: {} } : row];
  return problem(404, 'not_found', `there is no ${path}`);
}
