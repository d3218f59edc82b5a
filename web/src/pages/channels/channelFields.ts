// What each kind of channel needs, as data: the dialog draws it, and these functions carry values
// between the dialog and the wire.

export interface ChannelField {
  name: string;
  /**
   * `secret` is never shown again, `file` is a secret of several lines, `list` is one entry a line,
   * `pem` a text of several lines,
   * `authorization` and `headers` are those of a webhook.
   */
  type: 'text' | 'secret' | 'file' | 'list' | 'number' | 'choice' | 'switch' | 'pem' | 'authorization' | 'headers';
  required?: boolean;
  /** What it is called, where its name means something else elsewhere. */
  label?: string;
  placeholder?: string;
  choices?: string[];
  initial?: string | number | boolean;
  /** Stands behind a fold, since few need it. */
  rare?: boolean;
}

const address = (placeholder: string): ChannelField => ({ name: 'webhook_url', type: 'secret', required: true, placeholder });
const signing: ChannelField = { name: 'secret', type: 'secret' };
const keyword: ChannelField = { name: 'keyword', type: 'text' };

const key: ChannelField[] = [
  { name: 'region', type: 'text', required: true, placeholder: 'eu-central-1' },
  { name: 'access_key_id', type: 'text', required: true, placeholder: 'AKIA…' },
  { name: 'secret_access_key', type: 'secret', required: true },
];
const mail: ChannelField[] = [
  { name: 'from', type: 'text', required: true, placeholder: 'alerts@example.com' },
  { name: 'to', type: 'list', required: true, placeholder: 'ops@example.com' },
  { name: 'cc', type: 'list', rare: true },
  { name: 'reply_to', type: 'text', rare: true },
];
const segments: ChannelField = { name: 'max_segments', type: 'number', placeholder: '3', rare: true };
const endpoint: ChannelField = { name: 'endpoint', type: 'text', placeholder: 'https://', rare: true };
const azure: ChannelField[] = [
  { name: 'endpoint', type: 'text', required: true, placeholder: 'https://….communication.azure.com' },
  { name: 'access_key', type: 'secret', required: true },
];

/** What each kind of channel needs. */
export const KINDS: Record<string, ChannelField[]> = {
  email: [
    { name: 'host', type: 'text', required: true, placeholder: 'smtp.example.com' },
    { name: 'security', type: 'choice', choices: ['starttls', 'tls', 'none'], initial: 'starttls' },
    { name: 'port', type: 'number', placeholder: '587 / 465 / 25' },
    { name: 'username', type: 'text' },
    { name: 'password', type: 'secret' },
    { name: 'from', type: 'text', required: true, placeholder: 'Yunhai <alerts@example.com>' },
    { name: 'to', type: 'list', required: true, placeholder: 'ops@example.com' },
    { name: 'cc', type: 'list', rare: true },
    { name: 'reply_to', type: 'text', rare: true },
    { name: 'verify_certificate', type: 'switch', initial: true, rare: true },
    { name: 'ca_certificate_pem', type: 'pem', placeholder: '-----BEGIN CERTIFICATE-----', rare: true },
  ],
  webhook: [
    { name: 'url', type: 'secret', required: true, placeholder: 'https://' },
    { name: 'authorization', type: 'authorization' },
    { name: 'headers', type: 'headers' },
    { name: 'max_alerts', type: 'number', placeholder: '∞', rare: true },
  ],
  dingtalk: [
    address('https://oapi.dingtalk.com/robot/send?access_token=…'),
    { ...signing, placeholder: 'SEC…' },
    keyword,
    { name: 'at_mobiles', type: 'list', placeholder: '138…' },
    { name: 'at_all', type: 'switch', initial: false },
  ],
  wecom: [
    address('https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…'),
    { name: 'mentioned_users', type: 'list' },
    { name: 'mentioned_mobiles', type: 'list', placeholder: '138…' },
  ],
  feishu: [address('https://open.feishu.cn/open-apis/bot/v2/hook/…'), signing, keyword, { name: 'mentioned_users', type: 'list' }],
  slack: [address('https://hooks.slack.com/services/…'), { name: 'mentions', type: 'list', placeholder: 'here' }],
  twilio: [
    { name: 'account_sid', type: 'text', required: true, placeholder: 'AC…' },
    { name: 'auth_token', type: 'secret', required: true },
    { name: 'from', type: 'text', placeholder: '+1555…' },
    { name: 'messaging_service_sid', type: 'text', placeholder: 'MG…' },
    { name: 'to', type: 'list', required: true, placeholder: '+86138…' },
    segments,
  ],
  ses: [...key, ...mail, { name: 'configuration_set', type: 'text', rare: true }, endpoint],
  sns: [
    ...key,
    { name: 'topic_arn', type: 'text', placeholder: 'arn:aws:sns:…' },
    { name: 'to', type: 'list', label: 'numbers', placeholder: '+86138…' },
    { name: 'sender_id', type: 'text', placeholder: 'Yunhai', rare: true },
    segments,
    endpoint,
  ],
  acs_email: [...azure, ...mail],
  acs_sms: [...azure, { name: 'from', type: 'text', required: true, placeholder: '+1800…' }, { name: 'to', type: 'list', label: 'numbers', required: true, placeholder: '+86138…' }, segments],
  pubsub: [
    { name: 'topic', type: 'text', required: true, placeholder: 'projects/…/topics/…' },
    { name: 'service_account_key', type: 'file', placeholder: '{ "type": "service_account", … }' },
    { name: 'ordering', type: 'switch', initial: false, rare: true },
    endpoint,
  ],
};

type Values = Record<string, unknown>;

/** Whether a field is never shown again once it is stored. */
export const isSecret = (type: ChannelField['type']) => type === 'secret' || type === 'file';

/** How a webhook is told who calls; `stored` when there is a secret that need not be typed again. */
export interface Authorization {
  type: 'none' | 'bearer' | 'basic';
  username: string;
  secret: string;
  stored: boolean;
}

/** One header; `stored` when its value is kept unless a new one is typed. */
export interface Header {
  name: string;
  value: string;
  stored: boolean;
}

const NO_AUTHORIZATION: Authorization = { type: 'none', username: '', secret: '', stored: false };

function readAuthorization(stored: unknown): Authorization {
  const { type, username } = (stored ?? {}) as { type?: 'bearer' | 'basic'; username?: string };
  return type ? { type, username: username ?? '', secret: '', stored: true } : NO_AUTHORIZATION;
}

function writeAuthorization({ type, username, secret, stored }: Authorization, before: unknown): Values | null {
  if (type === 'none') return null;
  // A secret of another kind is none to keep.
  const kept = stored && (before as Values | undefined)?.type === type ? null : '';
  const word = secret || kept;
  return type === 'bearer' ? { type, token: word } : { type, username, password: word };
}

function writeHeaders(headers: Header[]): Values {
  const named = headers.filter(({ name }) => name.trim());
  return Object.fromEntries(named.map(({ name, value, stored }) => [name.trim(), value || (stored ? null : '')]));
}

/** The stored configuration as the form shows it; what the form does not know is kept by `toConfig`. */
export function toValues(kind: string, config: Values): Values {
  const values: Values = {};
  for (const { name, type, initial } of KINDS[kind] ?? []) {
    const stored = config[name];
    if (isSecret(type)) values[name] = '';
    else if (type === 'authorization') values[name] = readAuthorization(stored);
    else if (type === 'headers') values[name] = Object.keys((stored ?? {}) as Values).map((header): Header => ({ name: header, value: '', stored: true }));
    else if (Array.isArray(stored)) values[name] = stored.join('\n');
    else values[name] = stored ?? initial ?? '';
  }
  return values;
}

/** The configuration to send. A secret left empty is sent back as it came, which keeps the stored one. */
export function toConfig(kind: string, values: Values, before: Values = {}): Values {
  const config: Values = { ...before };
  for (const { name, type } of KINDS[kind] ?? []) {
    const value = values[name];
    if (type === 'list') {
      config[name] = String(value ?? '').split(/[\n,;]/).map((entry) => entry.trim()).filter(Boolean);
    } else if (type === 'authorization') {
      config[name] = writeAuthorization((value as Authorization | undefined) ?? NO_AUTHORIZATION, before[name]);
    } else if (type === 'headers') {
      config[name] = writeHeaders((value as Header[] | undefined) ?? []);
    } else if (value === '' || value === undefined || value === null) {
      if (!isSecret(type)) delete config[name];
    } else {
      config[name] = typeof value === 'string' ? value.trim() : value;
    }
  }
  // A mail server without a user wants no password either.
  if (kind === 'email' && !config.username) config.password = '';
  return config;
}
