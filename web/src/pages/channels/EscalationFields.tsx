import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Input, Select, Space } from 'antd';
import { useTranslation } from 'react-i18next';
import { type Escalation, isDuration } from './routeTree';

interface Props {
  value: Escalation[];
  options: { value: string; label: string }[];
  onChange: (escalations: Escalation[]) => void;
}

/** Who is told when nobody has acknowledged for some time. */
export function EscalationFields({ value, options, onChange }: Props) {
  const { t } = useTranslation();
  const set = (index: number, change: Partial<Escalation>) =>
    onChange(value.map((one, at) => (at === index ? { ...one, ...change } : one)));
  return (
    <div className="stack" style={{ gap: 6 }}>
      {value.map(({ after, channels }, index) => (
        <Space.Compact key={index} block>
          <Input
            style={{ width: 150 }}
            prefix={t('routes.after')}
            aria-label={t('routes.after')}
            value={after}
            status={after && isDuration(after) ? undefined : 'error'}
            onChange={(event) => set(index, { after: event.target.value.trim() })}
          />
          <Select
            mode="multiple"
            style={{ flex: 1, minWidth: 0 }}
            aria-label={t('routes.channels')}
            placeholder={t('routes.escalate_to')}
            options={options}
            value={channels}
            onChange={(chosen) => set(index, { channels: chosen })}
          />
          <Button icon={<DeleteOutlined />} aria-label={t('common.remove')} onClick={() => onChange(value.filter((_one, at) => at !== index))} />
        </Space.Compact>
      ))}
      <Button type="link" size="small" style={{ alignSelf: 'flex-start', padding: 0 }} icon={<PlusOutlined />} onClick={() => onChange([...value, { after: '15m', channels: [] }])}>
        {t('routes.add_escalation')}
      </Button>
    </div>
  );
}
