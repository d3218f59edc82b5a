// The two settings of a webhook that are more than one field.
import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Input, Select, Space } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Authorization, Header } from './channelFields';

interface Props<T> {
  id?: string;
  value?: T;
  onChange?: (value: T) => void;
}

/** How the receiver is told who calls. */
export function AuthorizationField({ id, value, onChange }: Props<Authorization>) {
  const { t } = useTranslation();
  if (!value) return null;
  const set = (change: Partial<Authorization>) => onChange?.({ ...value, ...change });
  const kept = value.stored ? t('channels.secret_kept') : undefined;
  return (
    <Space.Compact block>
      <Select
        id={id}
        style={{ width: 120, flex: 'none' }}
        value={value.type}
        options={(['none', 'bearer', 'basic'] as const).map((type) => ({ value: type, label: t(`channels.authorization.${type}`) }))}
        onChange={(type) => set({ type, stored: value.stored && type === value.type, secret: '' })}
      />
      {value.type === 'basic' && (
        <Input aria-label={t('channels.field.username')} placeholder={t('channels.field.username')} autoComplete="off" value={value.username} onChange={(event) => set({ username: event.target.value })} />
      )}
      {value.type !== 'none' && (
        <Input.Password
          aria-label={t(value.type === 'basic' ? 'channels.field.password' : 'channels.token')}
          placeholder={kept ?? t(value.type === 'basic' ? 'channels.field.password' : 'channels.token')}
          autoComplete="off"
          value={value.secret}
          onChange={(event) => set({ secret: event.target.value })}
        />
      )}
    </Space.Compact>
  );
}

/** Headers that are sent along. */
export function HeadersField({ value = [], onChange }: Props<Header[]>) {
  const { t } = useTranslation();
  const set = (index: number, change: Partial<Header>) => onChange?.(value.map((header, at) => (at === index ? { ...header, ...change } : header)));
  return (
    <div className="stack" style={{ gap: 6 }}>
      {value.map((header, index) => (
        <Space.Compact key={index} block>
          <Input
            style={{ width: '40%' }}
            aria-label={t('channels.header_name')}
            placeholder="X-Token"
            value={header.name}
            onChange={(event) => set(index, { name: event.target.value, stored: false })}
          />
          <Input.Password
            aria-label={t('channels.header_value')}
            placeholder={header.stored ? t('channels.secret_kept') : t('channels.header_value')}
            autoComplete="off"
            value={header.value}
            onChange={(event) => set(index, { value: event.target.value })}
          />
          <Button icon={<DeleteOutlined />} aria-label={t('common.remove')} onClick={() => onChange?.(value.filter((_header, at) => at !== index))} />
        </Space.Compact>
      ))}
      <Button type="dashed" icon={<PlusOutlined />} onClick={() => onChange?.([...value, { name: '', value: '', stored: false }])}>
        {t('channels.add_header')}
      </Button>
    </div>
  );
}
