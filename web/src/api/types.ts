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
  /** After how many seconds to try again, where waiting helps. */
  retry_after_secs?: number;
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
  /** Until when wrong passwords lock the user out. */
  locked_until_ms?: number | null;
}

/** How a user stands with the second factor. */
export interface SecondFactor {
  enabled: boolean;
  enabled_at_ms?: number | null;
  recovery_codes_left: number;
}

/** `GET me`, `PATCH me` and `GET users/{id}`. */
export interface Account extends User {
  second_factor: SecondFactor;
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

export type InvitationState = 'open' | 'used' | 'expired';

export interface Invitation {
  id: string;
  role: Role;
  email?: string | null;
  state: InvitationState;
  created_by: string;
  created_at_ms: number;
  expires_at_ms: number;
  used_by?: string | null;
  used_at_ms?: number | null;
}

export interface ApiToken {
  id: string;
  name: string;
  user: string;
  scopes: string[];
  created_at_ms: number;
  expires_at_ms?: number | null;
  last_used_ms?: number | null;
  last_used_address?: string | null;
}

/** What ending several sessions answers. */
export interface RevokedSessions {
  revoked: number;
}

export interface RecoveryCodes {
  recovery_codes: string[];
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
  interval_secs: number;
  is_local: boolean;
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

/** What is set for a server; what is `null` the configuration or the server itself says. */
export interface ServerSettings {
  interval_secs?: number | null;
  account?: string | null;
  region?: string | null;
  tags?: Record<string, string> | null;
}

export interface ServerDetail extends ServerRow {
  metrics: MetricInfo[];
  settings: ServerSettings;
}

export type ProbeState = 'up' | 'down' | 'pending' | 'paused';

export interface ProbeResult {
  at_ms: number;
  ok: boolean;
  duration_ms: number;
  reason?: string | null;
  message?: string | null;
  status?: number | null;
  body_matched?: boolean | null;
  certificate_expires_ms?: number | null;
}

/** Values of headers that are `null` are secret, or stay as they are. */
export interface ProbeRequest {
  name: string;
  target: string;
  enabled: boolean;
  interval_secs: number;
  timeout_ms: number;
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'OPTIONS';
  headers: Record<string, string | null>;
  body?: string | null;
  expected_status: string;
  body_match?: string | null;
  follow_redirects: boolean;
  verify_certificate: boolean;
  ca_certificate_pem?: string | null;
  labels: Record<string, string>;
}

export interface Probe extends Omit<ProbeRequest, 'body'> {
  id: string;
  target_label: string;
  has_body: boolean;
  state: ProbeState;
  last?: ProbeResult | null;
  created_at_ms: number;
  updated_at_ms: number;
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
  /** Everything that holds its notifications back, silences among it. */
  muted_by: Muting[];
  flapping: boolean;
}

/** `id` is that of the silence or the window, or of the alert that inhibits this one. */
export interface Muting {
  kind: 'silence' | 'maintenance' | 'inhibition';
  id: string;
}

/**
 * An event of an alert. `alerts/{id}` has all of them; `alerts/{id}/timeline` gives pages
 * (`kind`, `q`, `sort` by `time_ms`). `POST alerts/{id}/comments {comment}` adds one and returns it.
 */
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

/**
 * Why a rule does or does not fire for one series. `rules/{group}/{rule}/why` gives pages (`state`,
 * `q`, `sort` by `state`, `value` or `labels`).
 */
export interface RuleReason {
  labels: Record<string, string>;
  value?: number | null;
  state: string;
  reason: string;
}

export interface RuleStatus {
  /** The name, and `name#2` … where a name comes again in the group. */
  id: string;
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

/** `rule-groups` takes `kind`, `severity`, `health`, `state` and sorts by `name`, `updated_at_ms`, `firing`. */
export interface RuleGroup {
  name: string;
  /** The file that it was applied from. */
  file?: string | null;
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
  /** For how long it still fires after the comparison held last. */
  keep_firing_for_secs?: number;
  /** What it means when a series no longer comes; `ok` when unset. */
  no_data?: NoData | null;
  /** Unset: 10 minutes. */
  no_data_for_secs?: number | null;
  severity: Severity;
  matchers: Matcher[];
  summary?: string | null;
  description?: string | null;
  runbook_url?: string | null;
  enabled?: boolean;
}

export type NoData = 'ok' | 'keep' | 'alert';

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
  changed_by?: string | null;
  changed_at_ms?: number | null;
  state: 'pending' | 'active' | 'expired' | string;
}

/**
 * The body of `POST silences` and `PUT silences/{id}` (edit or extend; an expired one is refused).
 * `DELETE silences/{id}` ends it now. `POST silences/preview {matchers}` gives the page of active
 * alerts that it would hold back. `silences` takes `state` (`current` for pending and active).
 */
export interface SilenceSpec {
  matchers: Matcher[];
  /** Unset: now, and on a change: as before. */
  starts_at_ms?: number | null;
  ends_at_ms: number;
  comment: string;
}

/** The body of `POST inhibitions` and `PUT inhibitions/{id}`. */
export interface InhibitionSpec {
  name: string;
  source: Matcher[];
  target: Matcher[];
  /** The labels that must have the same value in both. */
  equal: string[];
  enabled: boolean;
}

/** While alerts that match `source` fire, those that match `target` do not notify. */
export interface Inhibition extends InhibitionSpec {
  id: string;
  created_by: string;
  created_at_ms: number;
  /** Firing alerts that match the source now. */
  sources: number;
  /** Firing alerts that it holds back now. */
  held: number;
}

export interface MaintenanceWindow {
  id: string;
  name: string;
  cron: string;
  duration_secs: number;
  time_zone: string;
  matchers: Matcher[];
  comment: string;
  enabled: boolean;
  /** When it stops coming back; unset: never. */
  ends_at_ms?: number | null;
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
  channel_id: string;
  state: 'pending' | 'sending' | 'sent' | 'failed' | 'merged' | string;
  summary: string;
  attempts: number;
  created_at_ms: number;
  sent_at_ms?: number | null;
  next_attempt_ms?: number | null;
  answer?: string | null;
}

/** Which of the servers on this database evaluates the rules, and for how long alerting remembers. */
export interface Alerting {
  role: 'leader' | 'standby' | 'waiting';
  server: string;
  leader?: string | null;
  since_ms?: number | null;
  term: number;
  keep_alerts_secs: number;
  keep_notifications_secs: number;
  keep_silences_secs: number;
}

export interface Settings {
  registration: RegistrationMode;
  collect_interval_secs: number;
  version: string;
  database: string;
  series_location: string;
  series: { series: number; samples: number; bytes: number; blocks: number };
  alerting: Alerting;
}
