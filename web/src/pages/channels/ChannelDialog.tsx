import { Collapse, Form, Input, InputNumber, Select, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useChange } from '../../api/hooks';
import type { Channel } from '../../api/types';
import { FormDialog } from '../../components/FormDialog';
import { type Authorization, type ChannelField, type Header, isSecret, KINDS, toConfig, toValues } from './channelFields';
import { DATA_KINDS, MessageFields, type MessageValues, writeMessage } from './MessageFields';
import { QuietFields, type QuietValues, readQuiet, writeQuiet } from './QuietFields';
import { AuthorizationField, HeadersField } from './WebhookFields';

interface Values extends MessageValues, QuietValues {
  name: string;
  enabled: boolean;
  config: Record<string, unknown>;
}

/** Makes a channel or changes one. */
export function ChannelDialog({ channel, onClose }: { channel?: Channel; onClose: () => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Values>();
  const [kind, setKind] = useState(channel?.kind ?? 'email');
  const change = useChange();
  const save = ({ name, enabled, config, quiet, quiet_hours, ...message }: Values) =>
    change.mutate(
      {
        method: channel ? 'PUT' : 'POST',
        path: channel ? `channels/${channel.id}` : 'channels',
        version: channel?.version,
        body: { name: name.trim(), kind, enabled, config: toConfig(kind, config, channel?.config), ...writeMessage(DATA_KINDS.includes(kind) ? {} : message), quiet_hours: writeQuiet({ quiet, quiet_hours }) },
      },
      { onSuccess: onClose },
    );
  const required = [{ required: true, message: t('common.required') }];
  const fields = KINDS[kind] ?? [];
  const rare = fields.filter((field) => field.rare);
  const item = (field: ChannelField) => (
    <Form.Item
      key={`${kind}.${field.name}`}
      name={['config', field.name]}
      label={t(`channels.field.${field.label ?? field.name}`)}
      rules={field.required && !(channel && isSecret(field.type)) ? required : []}
      extra={channel && isSecret(field.type) ? t('channels.secret_kept') : undefined}
    >
      <Field field={field} />
    </Form.Item>
  );
  return (
    <FormDialog<Values>
      title={channel ? t('channels.edit_title', { name: channel.name }) : t('channels.new')}
      change={change}
      form={form}
      width={560}
      initialValues={{
        name: channel?.name ?? '',
        enabled: channel?.enabled ?? true,
        config: toValues(kind, channel?.config ?? {}),
        language: channel?.language ?? undefined,
        title_template: channel?.title_template ?? '',
        body_template: channel?.body_template ?? '',
        ...readQuiet(channel?.quiet_hours),
      }}
      onSubmit={save}
      onClose={onClose}
    >
      <Form.Item label={t('channels.kind.title')}>
        <Select
          aria-label={t('channels.kind.title')}
          disabled={channel !== undefined}
          value={kind}
          options={Object.keys(KINDS).map((value) => ({ value, label: t(`channels.kind.${value}`) }))}
          onChange={(chosen: string) => {
            setKind(chosen);
            form.setFieldValue('config', toValues(chosen, {}));
          }}
        />
      </Form.Item>
      <Form.Item name="name" label={t('channels.name')} rules={required}>
        <Input maxLength={120} />
      </Form.Item>
      {fields.filter((field) => !field.rare).map(item)}
      {rare.length > 0 && (
        <Collapse ghost style={{ margin: '0 -12px 8px' }} items={[{ key: 'rare', label: t('common.more'), forceRender: true, children: rare.map(item) }]} />
      )}
      <Collapse
        ghost
        style={{ margin: '0 -12px 8px' }}
        items={[
          { key: 'message', label: t('channels.message.tab'), forceRender: true, children: <MessageFields key={kind} kind={kind} /> },
          { key: 'quiet', label: t('channels.quiet.tab'), forceRender: true, children: <QuietFields /> },
        ]}
      />
      <Form.Item name="enabled" label={t('channels.enabled')} valuePropName="checked">
        <Switch />
      </Form.Item>
    </FormDialog>
  );
}

function Field({ field: { type, placeholder, choices }, ...props }: { field: ChannelField; value?: unknown; id?: string; onChange?: (value: unknown) => void }) {
  const { t } = useTranslation();
  const text = { ...props, value: props.value as string, placeholder };
  switch (type) {
    case 'secret':
      return <Input.Password {...text} autoComplete="off" />;
    case 'list':
      return <Input.TextArea {...text} autoSize={{ minRows: 2, maxRows: 6 }} />;
    case 'pem':
    case 'file':
      return <Input.TextArea {...text} className="mono" rows={4} />;
    case 'number':
      return <InputNumber {...props} value={props.value as number} placeholder={placeholder} min={1} max={65_535} style={{ width: 140 }} />;
    case 'switch':
      return <Switch id={props.id} checked={props.value === true} onChange={props.onChange} />;
    case 'choice':
      return <Select {...props} value={props.value as string} options={choices?.map((value) => ({ value, label: t(`channels.choice.${value}`) }))} />;
    case 'authorization':
      return <AuthorizationField {...props} value={props.value as Authorization} />;
    case 'headers':
      return <HeadersField {...props} value={props.value as Header[]} />;
    default:
      return <Input {...text} autoComplete="off" />;
  }
}
