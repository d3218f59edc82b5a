// The wire types of the API: JSON in snake_case, times in integer milliseconds UTC.

export interface Page<T> {
  items: T[];
  total: number;
  page: number;
  page_size: number;
}

/** One fault, with the field (as a JSON pointer) or the place in a text where it stands. */
export interface Fault {
  pointer?: string;
  line?: number;
  column?: number;
  detail: string;
}

export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  code?: string;
  detail?: string;
  hint?: string;
  errors?: Fault[];
}

export type Role = 'admin' | 'operator' | 'viewer';
export type Language = 'zh-CN' | 'en';
export type Severity = 'critical' | 'warning' | 'info';
export type AlertState = 'pending' | 'firing' | 'acknowledged' | 'resolved';
export type ServerState = 'up' | 'down' | 'unknown';

export type UserState = 'active' | 'pending' | 'disabled' | 'locked';

export interface User {
  id: string;
  name: string;
  display_name: string;
  email?: string | null;
  role: Role;
  state: UserState;
  language?: string | null;
  totp_enabled: boolean;
  created_at_ms: number;
  last_sign_in_ms?: number | null;
}

export interface SessionInfo {
  user: User;
  permissions: string[];
  csrf_token: string;
  expires_at_ms: number;
}

export interface LoginSession {
  id: string;
  user_agent: string;
  address: string;
  created_at_ms: number;
  last_seen_ms: number;
  expires_at_ms: number;
  current: boolean;
}

export type RegistrationMode = 'closed' | 'invitation' | 'open';

export interface Invitation {
  id: string;
  role: Role;
  created_by: string;
  created_at_ms: number;
  expires_at_ms: number;
  used_by?: string | null;
}

export interface ApiToken {
  id: string;
  name: string;
  user: string;
  scopes: string[];
  created_at_ms: number;
  expires_at_ms?: number | null;
  last_used_ms?: number | null;
}

export interface TotpEnrolment {
  secret: string;
  otpauth_url: string;
}

export interface PasswordStrength {
  score: number;
  acceptable: boolean;
  reasons: string[];
}

export interface AuditEntry {
  seq: number;
  time_ms: number;
  actor: string;
  action: string;
  target: string;
  address: string;
  outcome: string;
  before?: unknown;
  after?: unknown;
  hash: string;
}

export interface AuditVerification {
  ok: boolean;
  entries: number;
  first_bad?: { seq: number; problem: string } | null;
}

export interface TopEntry {
  server: string;
  value: number;
}

export interface Overview {
  servers: { total: number; up: number; down: number; unknown: number };
  alerts: { critical: number; warning: number; info: number; pending: number; acknowledged: number };
  top: { cpu: TopEntry[]; memory: TopEntry[]; disk: TopEntry[] };
}

export interface ServerRow {
  name: string;
  provider: string;
  account?: string | null;
  region?: string | null;
  state: ServerState;
  cpu_ratio?: number | null;
  memory_ratio?: number | null;
  disk_ratio?: number | null;
  receive_bytes_per_sec?: number | null;
  transmit_bytes_per_sec?: number | null;
  load1?: number | null;
  uptime_secs?: number | null;
  last_seen_ms?: number | null;
  tags: Record<string, string>;
  alerts: number;
}

export interface MetricInfo {
  name: string;
  kind: string;
  unit: string;
  help: string;
  labels: string[];
}

export interface ServerDetail extends ServerRow {
  metrics: MetricInfo[];
}

export interface AlertRow {
  id: string;
  rule: string;
  group: string;
  state: AlertState;
  severity: Severity;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  value?: number | null;
  started_at_ms: number;
  fired_at_ms?: number | null;
  resolved_at_ms?: number | null;
  acknowledged?: { by: string; at_ms: number; comment: string } | null;
  silenced_by: string[];
  flapping: boolean;
}

export interface TimelineEntry {
  time_ms: number;
  kind: string;
  actor?: string | null;
  detail: string;
}

export interface AlertDetail extends AlertRow {
  timeline: TimelineEntry[];
  expr?: string | null;
  why?: string | null;
}

/** Why a rule does or does not fire for one series. */
export interface RuleReason {
  labels: Record<string, string>;
  value?: number | null;
  state: string;
  reason: string;
}

export interface RuleStatus {
  name: string;
  kind: 'alerting' | 'recording' | string;
  expr: string;
  for_secs: number;
  severity?: Severity | null;
  health: 'ok' | 'err' | 'unknown' | string;
  last_error?: string | null;
  last_evaluation_ms?: number | null;
  duration_ms?: number | null;
  pending: number;
  firing: number;
  form?: RuleForm | null;
}

export interface RuleGroup {
  name: string;
  interval_secs: number;
  source: string;
  updated_at_ms: number;
  rules: RuleStatus[];
}

export interface RuleCheck {
  faults: Fault[];
  groups: string[];
}

export interface RuleForm {
  name: string;
  metric: string;
  comparison: string;
  threshold: number;
  recovery_threshold?: number | null;
  for_secs: number;
  severity: Severity;
  matchers: Matcher[];
  summary?: string | null;
  runbook_url?: string | null;
}

export interface BacktestInterval {
  labels: Record<string, string>;
  from_ms: number;
  to_ms: number;
  state: string;
}

export interface Matcher {
  name: string;
  op: '=' | '!=' | '=~' | '!~';
  value: string;
}

export interface Silence {
  id: string;
  matchers: Matcher[];
  starts_at_ms: number;
  ends_at_ms: number;
  created_by: string;
  created_at_ms: number;
  comment: string;
  state: 'pending' | 'active' | 'expired' | string;
}

export interface MaintenanceWindow {
  id: string;
  name: string;
  cron: string;
  duration_secs: number;
  time_zone: string;
  matchers: Matcher[];
  comment: string;
  created_by: string;
  next_start_ms?: number | null;
  active: boolean;
}

export interface Channel {
  id: string;
  name: string;
  kind: string;
  enabled: boolean;
  /** Secrets are never shown: `null` stands in their place. */
  config: Record<string, unknown>;
  last_result?: string | null;
  last_used_ms?: number | null;
}

export interface ChannelTest {
  ok: boolean;
  answer: string;
}

export interface NotificationEntry {
  id: string;
  channel: string;
  state: 'pending' | 'sending' | 'sent' | 'failed' | string;
  summary: string;
  attempts: number;
  created_at_ms: number;
  sent_at_ms?: number | null;
  next_attempt_ms?: number | null;
  answer?: string | null;
}

export interface Settings {
  registration: RegistrationMode;
  collect_interval_secs: number;
  version: string;
  database: string;
  series_location: string;
  series: { series: number; samples: number; bytes: number; blocks: number };
}
