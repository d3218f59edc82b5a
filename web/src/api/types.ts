// The wire types of the API under the names that the interface uses for them: JSON in snake_case,
// times in integer milliseconds UTC. They come out of the API's own description (`npm run generate`
// writes `schema.d.ts`); where the description says only "a text", the words are named here.
import type { components } from './schema';

type Schemas = components['schemas'];

/** A type with some of its fields narrowed. */
type Narrow<T, Fields> = Omit<T, keyof Fields> & Fields;

/** A type with some of its fields always there: the server fills in what a request leaves out. */
type Filled<T, Field extends keyof T> = Omit<T, Field> & Required<Pick<T, Field>>;

export interface Page<T> {
  items: T[];
  total: number;
  page: number;
  page_size: number;
}

/** One fault, with the field (as a JSON pointer) or the place in a text where it stands. */
export type Fault = Narrow<Schemas['Fault'], { line?: number; column?: number; pointer?: string }>;

/** Nothing of it is sure: a proxy may answer in the server's place. */
export type Problem = Partial<Narrow<Schemas['Problem'], { code: string; errors: Fault[]; hint: string; retry_after_secs: number }>>;

export type Language = 'zh-CN' | 'en';
export type Severity = 'critical' | 'warning' | 'info';

export type Role = Schemas['UserRole'];
export type UserState = Schemas['UserState'];
export type User = Schemas['User'];
export type SecondFactor = Schemas['SecondFactor'];
/** `GET me`, `PATCH me` and `GET users/{id}`. */
export type Account = Schemas['Account'];
export type SessionInfo = Schemas['SessionInfo'];
export type LoginSession = Schemas['SessionEntry'];
export type RegistrationMode = Schemas['RegistrationMode'];
export type InvitationState = Schemas['InvitationState'];
export type Invitation = Schemas['Invitation'];
export type ApiToken = Schemas['ApiToken'];
/** What ending several sessions answers. */
export type RevokedSessions = Schemas['RevokedSessions'];
export type RecoveryCodes = Schemas['RecoveryCodes'];
export type TotpEnrolment = Schemas['TotpEnrolment'];
export type PasswordStrength = Schemas['PasswordStrength'];

export type AuditEntry = Schemas['AuditEntry'];
export type AuditVerification = Schemas['AuditVerification'];

export type TopEntry = Schemas['Consumer'];
export type Overview = Schemas['Overview'];
export type ServerState = Schemas['ServerState'];
export type ServerRow = Schemas['ServerSummary'];
export type ServerSettings = Schemas['ServerSettings'];
export type MetricInfo = Schemas['MetricInfo'];
export type ServerDetail = Schemas['ServerDetail'];

export type Agent = Schemas['Agent'];
export type EnrolmentToken = Schemas['EnrolmentToken'];
export type CreatedEnrolmentToken = Schemas['CreatedEnrolmentToken'];
export type JoinInfo = Schemas['JoinInfo'];

export type ProbeState = Schemas['ProbeState'];
export type ProbeResult = Schemas['ProbeResult'];
export type ProbeRequest = Filled<
  Schemas['ProbeRequest'],
  'enabled' | 'interval_secs' | 'timeout_ms' | 'method' | 'headers' | 'expected_status' | 'follow_redirects' | 'verify_certificate' | 'labels'
>;
export type Probe = Schemas['Probe'];

export type CloudAccess = Schemas['CloudAccess'];
export type CloudProvider = CloudAccess['provider'];
export type AccessOf<P extends CloudProvider> = Extract<CloudAccess, { provider: P }>;
export type CloudAccountRequest = Filled<Schemas['CloudAccountRequest'], 'interval_secs' | 'enabled'>;
export type CloudAccountTestRequest = Schemas['CloudAccountTestRequest'];
export type CloudTrouble = Schemas['CloudTrouble'];
export type CloudAccountCheck = Schemas['CloudAccountCheck'];
export type CloudAccountState = Schemas['CloudAccountState'];
export type CloudRound = Schemas['CloudRound'];
export type CloudAccount = Schemas['CloudAccount'];
export type CloudPolicyScope = 'watch' | 'manage';
export type CloudPolicy = Schemas['CloudPolicy'];
export type CloudServerState = 'starting' | 'running' | 'stopping' | 'stopped' | 'stopped_billed' | 'deleting' | 'deleted' | 'unknown';
export type CloudServer = Narrow<Schemas['CloudServer'], { state: CloudServerState }>;
export type CloudServerRequest = Schemas['CloudServerRequest'];
export type CloudServerCheck = Schemas['CloudServerCheck'];
export type CloudServerAction = Schemas['CloudServerAction'];
export type CloudServerActionRequest = Schemas['CloudServerActionRequest'];
export type CloudOrderState = Schemas['CloudOrderState'];
export type CloudOrder = Schemas['CloudOrder'];

/** `id` is that of the silence or the window, or of the alert that inhibits this one. */
export type Muting = Narrow<Schemas['Muting'], { kind: 'silence' | 'maintenance' | 'inhibition' }>;
/** `name` is the silence's comment, the window's name, or that of the alert that inhibits. */
export type RouteMuting = Narrow<Schemas['RouteMuting'], { kind: Muting['kind'] }>;
export type RouteChannel = Schemas['RouteChannel'];
export type RouteTaken = Schemas['RouteTaken'];
/** `POST routes/preview`. */
export type RoutePreview = Narrow<Schemas['RoutePreview'], { muted_by: RouteMuting[] }>;
export type AlertState = Schemas['AlertState'];
export type AlertRow = Narrow<Schemas['Alert'], { severity: Severity; muted_by: Muting[] }>;
export type TimelineEntry = Schemas['AlertEvent'];
export type AlertDetail = AlertRow & Omit<Schemas['AlertDetail'], keyof Schemas['Alert']>;

export type Matcher = Narrow<Schemas['LabelMatcher'], { op: '=' | '!=' | '=~' | '!~' }>;
export type NoData = 'ok' | 'keep' | 'alert';
export type RuleForm = Narrow<Schemas['RuleForm'], { severity: Severity; matchers: Matcher[]; for_secs: number; no_data?: NoData | null }>;
export type RuleStatus = Narrow<Schemas['RuleStatus'], { severity?: Severity | null; form?: RuleForm | null }>;
export type RuleGroup = Narrow<Schemas['RuleGroup'], { rules: RuleStatus[] }>;
export type RuleCheck = Narrow<Schemas['RuleCheck'], { faults: Fault[] }>;
/** Why a rule does or does not fire for one series. */
export type RuleReason = Schemas['RuleReason'];
export type BacktestInterval = Schemas['BacktestInterval'];

export type Silence = Narrow<Schemas['Silence'], { matchers: Matcher[] }>;
export type SilenceSpec = Narrow<Schemas['CreateSilenceRequest'], { matchers: Matcher[] }>;
export type InhibitionSpec = Narrow<Schemas['InhibitionSpec'], { source: Matcher[]; target: Matcher[]; equal: string[]; enabled: boolean }>;
/** While alerts that match `source` fire, those that match `target` do not notify. */
export type Inhibition = InhibitionSpec & Omit<Schemas['Inhibition'], keyof InhibitionSpec>;
export type MaintenanceWindow = Narrow<Schemas['MaintenanceWindow'], { matchers: Matcher[]; comment: string; enabled: boolean }>;

/** Secrets are never shown: `********` stands in their place. */
export type Channel = Narrow<Schemas['Channel'], { config: Record<string, unknown> }>;
export type ChannelTest = Schemas['ChannelTest'];
export type NotificationEntry = Schemas['NotificationEntry'];

/** Which of the servers on this database evaluates the rules, and for how long alerting remembers. */
export type Alerting = Narrow<Schemas['Alerting'], { role: 'leader' | 'standby' | 'waiting' }>;
export type Settings = Narrow<Schemas['Settings'], { alerting: Alerting }>;
