import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { AutoComplete, Button, Select, Space } from 'antd';
import { useTranslation } from 'react-i18next';
import { useLabelValues } from '../api/prometheus';
import type { Matcher } from '../api/types';

interface Props {
  value?: Matcher[];
  onChange?: (matchers: Matcher[]) => void;
}

const NAMES = ['server', 'alertname', 'severity', 'provider', 'region', 'account'];

/** Conditions on labels, with the values that the store knows offered while typing. */
export function MatchersEditor({ value = [], onChange }: Props) {
  const { t } = useTranslation();
  const set = (index: number, change: Partial<Matcher>) =>
    onChange?.(value.map((matcher, at) => (at === index ? { ...matcher, ...change } : matcher)));
  return (
    <div className="stack" style={{ gap: 6 }}>
      {value.map((matcher, index) => (
        <Space.Compact key={index} block>
          <AutoComplete
            style={{ width: '34%' }}
            aria-label={t('matchers.label')}
            placeholder={t('matchers.label')}
            value={matcher.name}
            options={NAMES.map((name) => ({ value: name }))}
            onChange={(name: string) => set(index, { name })}
          />
          <Select
            style={{ width: 68 }}
            aria-label={t('matchers.operator')}
            value={matcher.op}
            options={(['=', '!=', '=~', '!~'] as const).map((op) => ({ value: op, label: op }))}
            onChange={(op) => set(index, { op })}
          />
          <ValueField label={matcher.name} value={matcher.value} onChange={(text) => set(index, { value: text })} />
          <Button
            icon={<DeleteOutlined />}
            aria-label={t('common.remove')}
            onClick={() => onChange?.(value.filter((_matcher, at) => at !== index))}
          />
        </Space.Compact>
      ))}
      <Button
        type="dashed"
        icon={<PlusOutlined />}
        onClick={() => onChange?.([...value, { name: value.length === 0 ? 'server' : '', op: '=', value: '' }])}
      >
        {t('matchers.add')}
      </Button>
    </div>
  );
}

function ValueField({ label, value, onChange }: { label: string; value: string; onChange: (text: string) => void }) {
  const { t } = useTranslation();
  const known = useLabelValues(label || 'server');
  return (
    <AutoComplete
      style={{ flex: 1, minWidth: 0 }}
      aria-label={t('matchers.value')}
      placeholder={t('matchers.value')}
      value={value}
      showSearch={{ filterOption: (typed, option) => String(option?.value).includes(typed) }}
      options={(known.data ?? []).slice(0, 200).map((text) => ({ value: text }))}
      onChange={onChange}
    />
  );
}
