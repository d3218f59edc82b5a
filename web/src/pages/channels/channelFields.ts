export interface ChannelField {
  name: string;
  /** `secret` is never shown again, `list` is one entry a line. */
  type: 'text' | 'secret' | 'list' | 'number' | 'choice' | 'switch';
  required?: boolean;
  placeholder?: string;
  choices?: string[];
  initial?: string | number | boolean;
}

const address = (placeholder: string): ChannelField => ({ name: 'webhook_url', type: 'secret', required: true, placeholder });
const signing: ChannelField = { name: 'secret', type: 'secret' };
const keyword: ChannelField = { name: 'keyword', type: 'text' };

/** What each kind of channel needs. */
export const KINDS: Record<string, ChannelField[]> = {
  email: [
    { name: 'host', type: 'text', required: true, placeholder: 'smtp.example.com' },
    { name: 'port', type: 'number', placeholder: '587' },
    { name: 'security', type: 'choice', choices: ['starttls', 'tls', 'none'], initial: 'starttls' },
    { name: 'username', type: 'text' },
    { name: 'password', type: 'secret' },
    { name: 'from', type: 'text', required: true, placeholder: 'Yunhai <alerts@example.com>' },
    { name: 'to', type: 'list', required: true, placeholder: 'ops@example.com' },
    { name: 'verify_certificate', type: 'switch', initial: true },
  ],
  webhook: [{ name: 'url', type: 'secret', required: true, placeholder: 'https://' }],
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
  slack: [address('https://hooks.slack.com/services/…'), { name: 'mentions', type: 'list', placeholder: '@here' }],
  twilio: [
    { name: 'account_sid', type: 'text', required: true, placeholder: 'AC…' },
    { name: 'auth_token', type: 'secret', required: true },
    { name: 'from', type: 'text', placeholder: '+1555…' },
    { name: 'messaging_service_sid', type: 'text', placeholder: 'MG…' },
    { name: 'to', type: 'list', required: true, placeholder: '+86138…' },
  ],
};

type Values = Record<string, unknown>;

/** The stored configuration as the form shows it; what the form does not know is kept by `toConfig`. */
export function toValues(kind: string, config: Values): Values {
  const values: Values = {};
  for (const { name, type, initial } of KINDS[kind] ?? []) {
    const stored = config[name];
    if (type === 'secret') values[name] = '';
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
    } else if (value === '' || value === undefined || value === null) {
      if (type !== 'secret') delete config[name];
    } else {
      config[name] = value;
    }
  }
  return config;
}
